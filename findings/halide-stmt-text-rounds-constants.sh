#!/usr/bin/env bash
# Halide 21.0.0 (PyPI, Linux x86-64): the text of lowered statements prints fp32 constants with six decimals. Two
# pipelines that differ in the last bit of a constant have the same text, and other results: the text cannot tell
# whether two kernels are the same.
#
# Seen on 2026-11-27:
#   g[g.s0.x.rebased] = float32(g.min.0 + g.s0.x.rebased)*1.500000f
#   g(2^24) is 25165824.0 with 1.5, 25165826.0 with 1.5 + 2^-23; the same text
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check halide==21.0.0
cat > "$work/show.py" << 'END'
import sys

import halide as hl

text, constant = sys.argv[1], eval(sys.argv[2])
g, x = hl.Func("g"), hl.Var("x")
g[x] = hl.f32(x) * hl.f32(constant)
g.compile_to_lowered_stmt(text, [], hl.StmtOutputFormat.Text)
out = hl.Buffer(hl.Float(32), [1])
out.set_min([2**24])
g.realize(out)
print(out[2**24])
END
one=$("$work/venv/bin/python" "$work/show.py" "$work/one" "1.5")
other=$("$work/venv/bin/python" "$work/show.py" "$work/other" "1.5 + 2.0 ** -23")
grep -F '[g.s0.x.rebased] =' "$work/one" | sed 's/^ *//'
cmp "$work/one" "$work/other"
[ "$one" != "$other" ]
echo "g(2^24) is $one with 1.5, $other with 1.5 + 2^-23; the same text"
