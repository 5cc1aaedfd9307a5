// SPDX-License-Identifier: MIT
#include "decode.h"

#include <algorithm>
#include <cstring>

namespace ptx {

namespace {

const std::unordered_map<std::string, Special> specials = {{"%tid.x", Special::tid_x},
                                                           {"%tid.y", Special::tid_y},
                                                           {"%tid.z", Special::tid_z},
                                                           {"%ntid.x", Special::ntid_x},
                                                           {"%ntid.y", Special::ntid_y},
                                                           {"%ntid.z", Special::ntid_z},
                                                           {"%ctaid.x", Special::ctaid_x},
                                                           {"%ctaid.y", Special::ctaid_y},
                                                           {"%ctaid.z", Special::ctaid_z},
                                                           {"%nctaid.x", Special::nctaid_x},
                                                           {"%nctaid.y", Special::nctaid_y},
                                                           {"%nctaid.z", Special::nctaid_z},
                                                           {"%laneid", Special::laneid},
                                                           {"%warpid", Special::warpid},
                                                           {"%nwarpid", Special::nwarpid},
                                                           {"%lanemask_eq", Special::lanemask_eq},
                                                           {"%lanemask_lt", Special::lanemask_lt},
                                                           {"%lanemask_le", Special::lanemask_le},
                                                           {"%lanemask_gt", Special::lanemask_gt},
                                                           {"%lanemask_ge", Special::lanemask_ge}};

const std::unordered_map<std::string, Space> spaces = {
    {"global", Space::global},  {"shared", Space::shared}, {"shared::cta", Space::shared}, {"local", Space::local},
    {"const", Space::constant}, {"param", Space::param},   {"param::entry", Space::param}};

// An operand as it is written: words between braces, an address between brackets, or one word.
struct Raw {
    enum { word, list, address } form = word;
    std::vector<std::string> words;
    bool negative = false;
    int64_t offset = 0;
};

class BodyDecoder {
public:
    BodyDecoder(Tokens &in, const Scope &module, Program &program) : in(in), scope(module), program(program) {}

    void run() {
        names.emplace_back();
        while (!names.empty()) {
            statement();
        }
        for (const auto &[index, label] : branches) {
            const auto found = labels.find(label.text);
            if (found == labels.end()) {
                throw ParseError(label.line, "unknown label '" + label.text + "'");
            }
            program.code[index].target = found->second;
        }
        Instruction end;
        end.kind = Kind::leave;
        end.text = "the end of the kernel";
        end.line = in.peek().line;
        program.code.push_back(end);
        program.entry.static_shared_bytes = scope.shared_bytes;
        program.local_bytes = scope.local_bytes;
        program.variables = scope.variables;
    }

private:
    void statement() {
        const Token word = in.peek();
        if (in.accept("{")) {
            names.emplace_back();
        } else if (in.accept("}")) {
            names.pop_back();
        } else if (in.accept(".reg")) {
            registers();
        } else if (in.accept(".local") || in.accept(".shared")) {
            variable(in, scope, word.text);
        } else if (word.text == ".loc" || word.text == ".file") {
            in.skip_line(word.line);
        } else if (in.accept(".pragma")) {
            in.next();
            in.expect(";");
        } else if (in.peek(1).text == ":") {
            labels[in.next().text] = (uint32_t)program.code.size();
            in.next();
        } else {
            instruction();
        }
    }

    void registers() {
        const Token word = in.next();
        const Type type = type_named(word.text.substr(1));
        if (word.text[0] != '.' || type == Type::none) {
            throw ParseError(word.line, "unknown type of registers '" + word.text + "'");
        }
        do {
            const std::string name = in.next().text;
            if (in.accept("<")) {
                const int64_t count = in.integer();
                for (int64_t i = 0; i < count; i++) {
                    declare(name + std::to_string(i), bytes_of(type));
                }
                in.expect(">");
            } else {
                declare(name, bytes_of(type));
            }
        } while (in.accept(","));
        in.expect(";");
    }

    int32_t new_register(const std::string &name, unsigned bytes) {
        const auto index = (int32_t)program.registers.size();
        program.registers.push_back({name, (uint32_t)program.register_bytes, (uint8_t)bytes});
        program.register_bytes += std::max(bytes * 32, 8u);
        return index;
    }
    void declare(const std::string &name, unsigned bytes) { names.back()[name] = new_register(name, bytes); }

    // --- instructions
    // -------------------------------------------------------------------------------------------------

    [[noreturn]] void fail(const std::string &what) const { throw ParseError(line, what); }

    void instruction() {
        const size_t first = in.position();
        line = in.peek().line;
        Instruction i;
        i.line = line;
        if (in.accept("@")) {
            i.guarded = true;
            i.guard_negated = in.accept("!");
            i.guard = source(in.next().text, false, Type::pred, false);
        }
        const std::string opcode = in.next().text;
        if (!is_opcode(opcode.substr(0, opcode.find('.')))) {
            fail("unknown instruction '" + opcode + "'");
        }
        std::vector<Raw> raw;
        while (!in.accept(";")) {
            raw.push_back(operand());
            if (in.peek().text != ";") {
                in.expect(",");
            }
        }
        i.text = in.text(first);
        const std::string name = lookup_name(opcode, raw);
        const auto known = rows.find(name);
        i.row = known != rows.end() ? known->second : rows[name] = find_row(name);
        if (i.row == nullptr) {
            fail("unknown instruction '" + opcode + "'");
        }
        i.kind = i.row->kind;
        i.function = i.row->function;
        operands(i, split(opcode, '.'), raw);
        program.code.push_back(std::move(i));
    }

    static std::string lookup_name(const std::string &opcode, const std::vector<Raw> &raw) {
        if (opcode.compare(0, 4, "mov.") != 0 || raw.size() != 2) {
            return opcode;
        }
        return raw[0].form == Raw::list   ? "mov.unpack." + opcode.substr(4)
               : raw[1].form == Raw::list ? "mov.pack." + opcode.substr(4)
                                          : opcode;
    }

    Raw operand() {
        Raw r;
        if (in.accept("{")) {
            r.form = Raw::list;
            do {
                r.words.push_back(in.next().text);
            } while (in.accept(","));
            in.expect("}");
        } else if (in.accept("[")) {
            r.form = Raw::address;
            r.words.push_back(in.next().text);
            if (in.peek().text == "+" || in.peek().text == "-") {
                const bool minus = !in.accept("+") && in.accept("-");
                r.offset = minus ? -in.integer() : in.integer();
            }
            in.expect("]");
        } else {
            r.negative = in.accept("-");
            r.words.push_back(in.next().text);
            if (in.accept("|")) {
                r.words.push_back(in.next().text);
            }
        }
        return r;
    }

    void operands(Instruction &i, const std::vector<std::string> &words, const std::vector<Raw> &raw) {
        const Row &row = *i.row;
        switch (i.kind) {
            case Kind::load:
                count(raw, 2, 2);
                access(i, words, raw[1]);
                for (const std::string &word : elements(i, raw[0])) {
                    i.d[i.d_count++] = destination(word, row.result, true);
                }
                break;
            case Kind::store:
                count(raw, 2, 2);
                access(i, words, raw[0]);
                for (const std::string &word : elements(i, raw[1])) {
                    i.s[i.s_count++] = source(word, raw[1].negative, row.result, true);
                }
                break;
            case Kind::atomic:
            case Kind::reduction: {
                const size_t before = i.kind == Kind::atomic ? 2 : 1;
                count(raw, before + row.sources.size(), before + row.sources.size());
                access(i, words, raw[before - 1]);
                if (i.kind == Kind::atomic) {
                    i.d[i.d_count++] = destination(raw[0].words[0], row.result, false);
                }
                sources(i, raw, before);
                break;
            }
            case Kind::prefetch:
                count(raw, 1, 1);
                access(i, words, raw[0]);
                break;
            case Kind::copy: copy(i, raw); break;
            case Kind::wait_copies:
                count(raw, row.sources.size(), row.sources.size());
                for (const Raw &groups : raw) {
                    i.s[i.s_count++] = constant(immediate(groups), 4);
                }
                break;
            case Kind::pack:
            case Kind::unpack: pack(i, raw); break;
            case Kind::branch:
                count(raw, 1, 1);
                branches.push_back({program.code.size(), {raw[0].words[0], line}});
                break;
            case Kind::block_barrier:
                if (raw.size() > 1) {
                    fail("a barrier with a count of threads is not supported");
                }
                sources(i, raw, 0);
                break;
            case Kind::to_generic:
            case Kind::from_generic: i.address.space = space_of(words); [[fallthrough]];
            default: {
                const size_t results = row.result != Type::none ? 1 : 0;
                count(raw, results + row.sources.size(), results + row.sources.size());
                if (results != 0) {
                    i.d[i.d_count++] = destination(raw[0].words[0], row.result, i.kind == Kind::convert);
                }
                if (!raw.empty() && raw[0].words.size() > 1) {
                    if (i.kind != Kind::shuffle) {
                        fail("a second result is not supported here");
                    }
                    i.d[i.d_count++] = destination(raw[0].words[1], Type::pred, false);
                }
                sources(i, raw, results);
            }
        }
    }

    void count(const std::vector<Raw> &raw, size_t least, size_t most) const {
        if (raw.size() < least || raw.size() > most) {
            fail("expected " + std::to_string(least) + " operands, found " + std::to_string(raw.size()));
        }
    }

    void sources(Instruction &i, const std::vector<Raw> &raw, size_t first) {
        for (size_t k = first; k < raw.size(); k++) {
            if (raw[k].form != Raw::word) {
                fail("expected a register or a number as operand " + std::to_string(k + 1));
            }
            i.s[i.s_count++] =
                source(raw[k].words[0], raw[k].negative, i.row->sources[k - first], i.kind == Kind::convert);
        }
    }

    static Space space_of(const std::vector<std::string> &words) {
        for (const std::string &word : words) {
            if (const auto found = spaces.find(word); found != spaces.end()) {
                return found->second;
            }
        }
        return Space::generic;
    }

    void access(Instruction &i, const std::vector<std::string> &words, const Raw &raw) {
        i.address = address_of(raw, space_of(words));
        i.element_bytes = (uint8_t)bytes_of(i.row->result);
        for (const std::string &word : words) {
            i.read_only = i.read_only || word == "nc";
            if (word.size() == 2 && word[0] == 'v') {
                i.elements = (uint8_t)(word[1] - '0');
            }
        }
    }

    Address address_of(const Raw &raw, Space space) {
        if (raw.form != Raw::address) {
            fail("expected an address between brackets");
        }
        Address a{space, {}, raw.offset};
        const std::string &base = raw.words[0];
        if (space == Space::param) {
            const auto &all = program.entry.parameters;
            const auto p = std::find_if(all.begin(), all.end(), [&](const Parameter &p) { return p.name == base; });
            if (p == all.end()) {
                fail("unknown parameter '" + base + "'");
            }
            a.base = constant(p->offset, 8);
        } else if (const int32_t reg = find_register(base); reg >= 0) {
            a.base = register_operand(reg);
            if (a.base.bytes < 4) {
                fail("register " + base + " is too narrow for an address");
            }
        } else {
            a.base = source(base, false, Type::u64, false);
            if (const auto symbol = find_symbol(base); symbol && space == Space::generic) {
                a.space = symbol->space;
            }
        }
        return a;
    }

    void copy(Instruction &i, const std::vector<Raw> &raw) {
        count(raw, 3, 3);
        i.address = address_of(raw[0], Space::shared);
        i.source = address_of(raw[1], Space::global);
        const uint32_t bytes = immediate(raw[2]);
        const bool any_size = i.row->name == "cp.async.ca.shared.global";
        if (bytes != 16 && !(any_size && (bytes == 4 || bytes == 8))) {
            fail("copies " + std::to_string(bytes) + " bytes, expected " + (any_size ? "4, 8 or 16" : "16"));
        }
        i.element_bytes = (uint8_t)bytes;
    }

    uint32_t immediate(const Raw &raw) const {
        const auto value = raw.form == Raw::word && !raw.negative ? integer_of(raw.words[0]) : std::nullopt;
        if (!value || *value < 0 || *value > UINT32_MAX) {
            fail("expected a constant that is not negative, found '" + std::string(raw.negative ? "-" : "") +
                 raw.words[0] + "'");
        }
        return (uint32_t)*value;
    }

    const std::vector<std::string> &elements(const Instruction &i, const Raw &raw) const {
        if (raw.words.size() != i.elements) {
            fail("expected " + std::to_string(i.elements) + " values, found " + std::to_string(raw.words.size()));
        }
        return raw.words;
    }

    void pack(Instruction &i, const std::vector<Raw> &raw) {
        const bool packs = i.kind == Kind::pack;
        const std::vector<std::string> &parts = raw[packs ? 1 : 0].words;
        const unsigned whole = bytes_of(i.row->result), part = whole / (unsigned)parts.size();
        const Type type = part == 1 ? Type::b8 : part == 2 ? Type::b16 : Type::b32;
        if (parts.size() != 2 && parts.size() != 4) {
            fail("expected 2 or 4 parts, found " + std::to_string(parts.size()));
        }
        if (packs) {
            i.d[i.d_count++] = destination(raw[0].words[0], i.row->result, false);
        } else {
            i.s[i.s_count++] = source(raw[1].words[0], raw[1].negative, i.row->result, false);
        }
        i.element_bytes = (uint8_t)part;
        for (const std::string &word : parts) {
            if (packs) {
                i.s[i.s_count++] = source(word, false, type, part == 1);
            } else {
                i.d[i.d_count++] = destination(word, type, part == 1);
            }
        }
    }

    // --- names
    // -----------------------------------------------------------------------------------------------------------

    int32_t find_register(const std::string &name) {
        for (auto s = names.rbegin(); s != names.rend(); ++s) {
            if (const auto found = s->find(name); found != s->end()) {
                return found->second;
            }
        }
        const auto special = specials.find(name);
        if (special == specials.end()) {
            return -1;
        }
        const int32_t reg = new_register(name, 4);
        names.front()[name] = reg;
        program.specials.push_back({special->second, (uint32_t)reg});
        return reg;
    }

    std::optional<Symbol> find_symbol(const std::string &name) const {
        if (const auto found = scope.symbols.find(name); found != scope.symbols.end()) {
            return found->second;
        }
        const auto &dynamic = scope.dynamic_shared;
        if (std::find(dynamic.begin(), dynamic.end(), name) != dynamic.end()) {
            return Symbol{Space::shared, (scope.shared_bytes + 15) / 16 * 16};
        }
        return {};
    }

    Operand register_operand(int32_t reg) const {
        const Register &r = program.registers[(size_t)reg];
        return {r.offset, reg, r.bytes};
    }

    void check_width(const std::string &name, const Operand &o, Type type, bool wider) const {
        const unsigned bytes = bytes_of(type);
        if (bytes == 0 ? o.bytes != 0 : wider ? o.bytes < bytes : o.bytes != bytes) {
            fail("register " + name + " has " + std::to_string(o.bytes * 8) + " bits, expected " +
                 std::to_string(bytes * 8));
        }
    }

    Operand destination(const std::string &name, Type type, bool wider) {
        const int32_t reg = name == "_" ? new_register(name, bytes_of(type)) : find_register(name);
        if (reg < 0) {
            fail("unknown register '" + name + "'");
        }
        const Operand o = register_operand(reg);
        check_width(name, o, type, wider);
        return o;
    }

    Operand source(const std::string &name, bool negative, Type type, bool wider) {
        if (const int32_t reg = find_register(name); reg >= 0) {
            const Operand o = register_operand(reg);
            check_width(name, o, type, wider);
            return o;
        }
        return constant(value_of(name, negative, type), bytes_of(type));
    }

    uint64_t value_of(const std::string &name, bool negative, Type type) const {
        if (const auto symbol = find_symbol(name)) {
            return symbol->address;
        }
        const std::string prefix = name.substr(0, 2), digits = name.size() > 2 ? name.substr(2) : "";
        const size_t expected = prefix == "0f" || prefix == "0F" ? 8 : prefix == "0d" || prefix == "0D" ? 16 : 0;
        if (expected != 0) {
            if (digits.size() != expected || bytes_of(type) != expected / 2 ||
                digits.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos) {
                fail("'" + name + "' is no constant of " + std::to_string(bytes_of(type) * 8) + " bits");
            }
            return std::stoull(digits, nullptr, 16) ^ (negative ? uint64_t{1} << (4 * expected - 1) : 0);
        }
        const auto value = name == "WARP_SZ" ? std::optional<int64_t>(32) : integer_of(name);
        if (!value) {
            fail("unknown name '" + name + "'");
        }
        if (type == Type::f32 || type == Type::f64) {
            fail("'" + name + "' is no floating-point constant");
        }
        return negative ? 0 - (uint64_t)*value : (uint64_t)*value;
    }

    Operand constant(uint64_t value, unsigned bytes) {
        const std::pair<uint64_t, unsigned> key{value, bytes};
        if (const auto found = constants.find(key); found != constants.end()) {
            return found->second;
        }
        const Operand o{(uint32_t)program.constants.size(), -1, (uint8_t)bytes};
        program.constants.resize(program.constants.size() + std::max(bytes * 32, 8u));
        const uint32_t everywhere = value != 0 ? ~0u : 0;
        for (unsigned lane = 0; lane < 32; lane++) {
            std::memcpy(&program.constants[o.offset] + (size_t)lane * bytes, &value, bytes);
        }
        if (bytes == 0) {
            std::memcpy(&program.constants[o.offset], &everywhere, sizeof everywhere);
        }
        return constants[key] = o;
    }

    Tokens &in;
    Scope scope;
    Program &program;
    int line = 0;
    std::vector<std::unordered_map<std::string, int32_t>> names;  // of registers, innermost braces last
    std::unordered_map<std::string, uint32_t> labels;
    std::vector<std::pair<size_t, Token>> branches;
    std::map<std::pair<uint64_t, unsigned>, Operand> constants;  // by value and width
    std::unordered_map<std::string, const Row *> rows;           // by spelling
};

}  // namespace

void decode(Tokens &in, const Scope &module, Program &program) { BodyDecoder(in, module, program).run(); }

}  // namespace ptx
