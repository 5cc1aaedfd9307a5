// SPDX-License-Identifier: MIT
// What all threads of a row learn from all of its elements: sums and the largest magnitude.
#include "cuda_rows.h"
#include "generators/algorithms/numeric.h"

namespace norma {

using namespace Halide;

namespace {

// Of values combined in pairs, then the pairs in pairs.
Expr pairwise(std::vector<Expr> values, const std::function<Expr(Expr, Expr)> &combine) {
    while (values.size() > 1) {
        std::vector<Expr> pairs;
        for (size_t i = 0; i < values.size(); i += 2) {
            pairs.push_back(i + 1 < values.size() ? combine(values[i], values[i + 1]) : values[i]);
        }
        values = pairs;
    }
    return values[0];
}

}  // namespace

// In a thread, the elements with the same v in the order of its vectors, then over v; over the lanes of a warp; over
// every fourth warp of a row, then over these. All but the first in pairs, and every lane and warp with the same
// result.
std::vector<Expr> CudaRow::reduce(const std::string &name, const std::vector<RowValue> &terms, const Expr &zero,
                                  const Combine &combine) {
    const size_t count = terms.size();
    auto tuple_of = [](size_t size, const std::function<Expr(size_t)> &f) {
        std::vector<Expr> values;
        for (size_t i = 0; i < size; i++) {
            values.push_back(f(i));
        }
        return Tuple(values);
    };
    auto tuple = [&](const std::function<Expr(size_t)> &f) { return tuple_of(count, f); };
    auto at = [](const Func &f, const std::vector<Expr> &where, size_t i) {
        return f.outputs() == 1 ? Expr(f(where)) : Expr(f(where)[i]);
    };
    Reduction reduction;
    const int gathered = shape_.warps % 4 == 0 ? 4 : 1;  // as many numbers as one access has
    const Expr vectors = hidden_ / shape_.vector, of_a_sweep = shape_.lanes * shape_.warps;
    const bool whole = shape_.in_registers();
    RDom k(0, (vectors + of_a_sweep - 1) / of_a_sweep, name + "_chunk");
    auto at_vector = [&](const Expr &chunk) { return lane_ + shape_.lanes * (warp_ + shape_.warps * chunk); };
    auto term = [&](size_t i) {
        Internal::ScopedValue<bool> sweep(in_sweep_, true);
        const Expr at = at_vector(k), d = v_ + shape_.vector * min(at, vectors - 1);
        return select(at < vectors, terms[i](d), zero);
    };
    auto sum_of_chunks = [&](size_t i) {
        Expr sum = terms[i](v_ + shape_.vector * at_vector(0));
        for (int chunk = 1; chunk < shape_.chunks; chunk++) {
            sum = combine(sum, terms[i](v_ + shape_.vector * at_vector(chunk)));
        }
        return sum;
    };
    Func part(name + "_part");
    const std::vector<Expr> own = {v_, lane_, warp_, r_};
    // Of sums without end, what each addition rounded away is summed beside.
    const bool two_parts = shape_.any_length && zero.type().is_float();
    const size_t parts = two_parts ? 2 * count : count;
    if (whole) {
        part(own) = tuple(sum_of_chunks);
    } else {
        part(own) = tuple_of(parts, [&](size_t) { return zero; });
        part(own) = tuple_of(parts, [&](size_t i) {
            const Expr before = at(part, own, i % count), added = term(i % count), after = combine(before, added);
            return i < count ? after : at(part, own, i) + rounding_error(before, added, after);
        });
        reduction.along = k.x;
    }
    reduction.part = part;

    Func before(name + "_thread");
    before(lane_, warp_, r_) = tuple([&](size_t i) {
        std::vector<Expr> values;
        for (int v = 0; v < shape_.vector; v++) {
            const Expr sum = at(part, {v, lane_, warp_, r_}, i);
            const Expr error = two_parts ? at(part, {v, lane_, warp_, r_}, count + i) : zero;
            // An infinite sum has no meaningful error.
            values.push_back(two_parts ? select(error == error, sum + error, sum) : sum);
        }
        return pairwise(values, combine);
    });
    reduction.tree.push_back(before);
    for (int distance = shape_.lanes / 2; distance >= 1; distance /= 2) {
        Func exchanged(name + "_lanes_" + std::to_string(distance));
        exchanged(lane_, warp_, r_) = tuple([&](size_t i) {
            return combine(at(before, {lane_, warp_, r_}, i),
                           at(before, {(lane_ + distance) % shape_.lanes, warp_, r_}, i));
        });
        reduction.tree.push_back(exchanged);
        before = exchanged;
    }
    if (warps_share_a_row()) {
        reduction.cross = Func(name + "_warps");
        reduction.cross(warp_, r_) = tuple([&](size_t i) { return at(before, {0, warp_, r_}, i); });
        reduction.gathered = Func(name + "_gathered");
        reduction.gathered(own) = tuple([&](size_t i) {
            std::vector<Expr> warps;
            for (int w = 0; w < shape_.warps; w += gathered) {
                warps.push_back(at(reduction.cross, {w + v_, r_}, i));
            }
            return pairwise(warps, combine);
        });
    }

    Func all(name);
    all(lane_, warp_, r_) = tuple([&](size_t i) {
        std::vector<Expr> sums;
        for (int v = 0; v < (warps_share_a_row() ? gathered : 1); v++) {
            sums.push_back(warps_share_a_row() ? at(reduction.gathered, {v, lane_, warp_, r_}, i)
                                               : at(before, {lane_, warp_, r_}, i));
        }
        return pairwise(sums, combine);
    });
    reduction.all = all;
    scalars_.push_back(all);
    reduction.each_warp = warps_share_a_row() ? LoopLevel(reduction.cross, warp_) : LoopLevel(all, r_);
    std::vector<Expr> results;
    for (size_t i = 0; i < terms.size(); i++) {
        results.push_back(at(all, {lane_, warp_, r_}, i));
    }
    reductions_.push_back(reduction);
    return results;
}

void CudaRow::schedule_reduction(Reduction &reduction, const LoopLevel &each_row) const {
    if (warps_share_a_row()) {
        reduction.cross.compute_at(each_row).store_in(MemoryType::GPUShared).gpu_threads(warp_);
        reduction.gathered.compute_at(reduction.all, lane_).store_in(MemoryType::Register).vectorize(v_);
    }
    for (Func f : reduction.tree) {
        f.compute_at(reduction.each_warp)
            .store_in(MemoryType::Register)
            .align_bounds(lane_, shape_.lanes)
            .gpu_lanes(lane_);
    }
    reduction.part.compute_at(reduction.tree.front(), lane_).store_in(MemoryType::Register).vectorize(v_);
    if (!shape_.in_registers()) {
        reduction.part.update().reorder(v_, reduction.along).vectorize(v_);
    }
}

std::vector<Expr> CudaRow::means(const std::string &name, const std::vector<Term> &terms) {
    std::vector<RowValue> values;
    for (const Term &term : terms) {
        values.push_back([=](Expr d) { return term.value(d); });
    }
    std::vector<Expr> means;
    for (const Expr &sum : reduce(name, values, 0.0f, [](Expr a, Expr b) { return a + b; })) {
        // A product with 1 / hidden would be fused with what it is subtracted from, in some places and not in others.
        Expr mean = Internal::Call::make(Float(32), Internal::Call::strict_div, {sum, cast<float>(hidden_)},
                                         Internal::Call::PureIntrinsic);
        means.push_back(cast<double>(mean));
    }
    return means;
}

Expr CudaRow::amax(const std::string &name, const RowValue &value) {
    RowValue magnitude = [=](Expr d) { return magnitude_bits(value(d)); };
    return reinterpret<float>(
        reduce(name, {magnitude}, cast<uint32_t>(0), [](Expr a, Expr b) { return max(a, b); })[0]);
}

}  // namespace norma
