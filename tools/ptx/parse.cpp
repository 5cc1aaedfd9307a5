// SPDX-License-Identifier: MIT
// Modules: entries, their parameters and directives, variables. What stands between braces is decode.cpp's.
#include <algorithm>

#include "decode.h"

namespace ptx {

namespace {

class ModuleParser {
public:
    explicit ModuleParser(const std::string &text) : in(tokens_of(text)) {}

    std::vector<Program> programs() {
        std::vector<Program> all;
        while (!in.at_end()) {
            const Token word = in.next();
            if (word.text == ".version" || word.text == ".target" || word.text == ".address_size" ||
                word.text == ".file") {
                in.skip_line(word.line);
            } else if (word.text == ".section") {
                in.skip_block();
            } else if (word.text == ".entry") {
                all.push_back(entry());
            } else if (word.text == ".shared" || word.text == ".global" || word.text == ".const") {
                variable(in, module, word.text);
            } else if (word.text != ".visible" && word.text != ".weak" && word.text != ".extern") {
                throw ParseError(word.line, "unknown directive '" + word.text + "'");
            }
        }
        return all;
    }

private:
    Program entry() {
        Program program;
        program.entry.name = in.next().text;
        if (in.accept("(")) {
            while (!in.accept(")")) {
                parameter(program);
                in.accept(",");
            }
        }
        while (!in.accept("{")) {
            directive(program.entry);
        }
        decode(in, module, program);
        return program;
    }

    void parameter(Program &program) {
        in.expect(".param");
        Parameter p;
        size_t align = 0;
        while (in.peek().text[0] == '.') {
            const Token word = in.next();
            if (word.text == ".align") {
                align = std::max<size_t>(align, (size_t)in.integer());
            } else if (word.text == ".ptr") {  // what follows describes what it points to
                while (in.peek().text[0] == '.') {
                    if (in.next().text == ".align") {
                        in.integer();
                    }
                }
            } else {
                p.bytes = type_bytes(word);
            }
        }
        align = std::max(align, p.bytes);
        p.name = in.next().text;
        if (in.accept("[")) {
            p.bytes *= (size_t)in.integer();
            in.expect("]");
        }
        p.offset = (program.parameter_bytes + align - 1) / align * align;
        program.parameter_bytes = p.offset + p.bytes;
        program.entry.parameters.push_back(p);
    }

    void directive(Entry &entry) {
        const Token word = in.next();
        if (word.text == ".maxntid") {
            entry.max_threads = dimensions();
        } else if (word.text == ".reqntid") {
            entry.required_threads = dimensions();
        } else if (word.text == ".minnctapersm" || word.text == ".maxnreg") {
            in.integer();
        } else {
            throw ParseError(word.line, "unknown directive '" + word.text + "' of entry " + entry.name);
        }
    }

    Dim3 dimensions() {
        Dim3 d;
        d.x = (unsigned)in.integer();
        d.y = in.accept(",") ? (unsigned)in.integer() : 1;
        d.z = in.accept(",") ? (unsigned)in.integer() : 1;
        return d;
    }

    Tokens in;
    Scope module;
};

}  // namespace

Module parse(const std::string &text) {
    Module module;
    for (Program &program : ModuleParser(text).programs()) {
        const std::string name = program.entry.name;
        module.programs[name] = std::make_shared<const Program>(std::move(program));
    }
    return module;
}

const Program &Module::program(const std::string &name) const {
    const auto found = programs.find(name);
    if (found == programs.end()) {
        throw Fault("the module has no entry '" + name + "'", name);
    }
    return *found->second;
}

const Entry &Module::entry(const std::string &name) const { return program(name).entry; }

std::vector<Entry> Module::entries() const {
    std::vector<Entry> all;
    for (const auto &[name, program] : programs) {
        all.push_back(program->entry);
    }
    return all;
}

}  // namespace ptx
