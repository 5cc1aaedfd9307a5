// SPDX-License-Identifier: MIT
#include "lowered_hash.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <stdexcept>
#include <string_view>
#include <type_traits>

#include "tools/base/digest.h"

namespace norma {

namespace {

using namespace Halide::Internal;
using Halide::Expr;

struct Declared {
    const std::string &name;
};
struct Used {
    const std::string &name;
};
struct Entry {
    const std::string &text;  // if it is the name of one
};

using Names = std::vector<std::string>;

// Without what tells it from others of the name in this process.
std::string role(const std::string &argument) { return argument.substr(0, argument.find('$')); }

// Writes each node as its kind, its type and all that it holds, so that nothing else reads as the same bytes. Halide's
// own printer would not do: it rounds constants and leaves out types and alignments.
class Writer : public IRVisitor {
public:
    explicit Writer(const Names &entries) : entries_(entries) {}

    const std::string &bytes() const { return bytes_; }

    void add(const std::string &text) {
        add(text.size());
        bytes_ += text;
    }

    void add(const Halide::Module &module) {
        if (!module.submodules().empty() || !module.get_metadata_name_map().empty()) {
            throw std::logic_error(module.name() + " has parts of which no canonical form is known");
        }
        add(module.any_strict_float());
        for (const Halide::Buffer<> &buffer : module.buffers()) {
            declare_buffer(buffer.name());
        }
        add_list(module.buffers());
        add_list(module.functions());
    }

protected:
    using IRVisitor::visit;
    void visit(const IntImm *op) override { node(op, op->value); }
    void visit(const UIntImm *op) override { node(op, op->value); }
    void visit(const FloatImm *op) override { node(op, op->value); }
    void visit(const StringImm *op) override { node(op, Entry{op->value}); }
    void visit(const Cast *op) override { node(op, op->value); }
    void visit(const Reinterpret *op) override { node(op, op->value); }
    void visit(const Variable *op) override { node(op, Used{op->name}, op->param, op->image); }
    void visit(const Add *op) override { node(op, op->a, op->b); }
    void visit(const Sub *op) override { node(op, op->a, op->b); }
    void visit(const Mul *op) override { node(op, op->a, op->b); }
    void visit(const Div *op) override { node(op, op->a, op->b); }
    void visit(const Mod *op) override { node(op, op->a, op->b); }
    void visit(const Min *op) override { node(op, op->a, op->b); }
    void visit(const Max *op) override { node(op, op->a, op->b); }
    void visit(const EQ *op) override { node(op, op->a, op->b); }
    void visit(const NE *op) override { node(op, op->a, op->b); }
    void visit(const LT *op) override { node(op, op->a, op->b); }
    void visit(const LE *op) override { node(op, op->a, op->b); }
    void visit(const GT *op) override { node(op, op->a, op->b); }
    void visit(const GE *op) override { node(op, op->a, op->b); }
    void visit(const And *op) override { node(op, op->a, op->b); }
    void visit(const Or *op) override { node(op, op->a, op->b); }
    void visit(const Not *op) override { node(op, op->a); }
    void visit(const Select *op) override { node(op, op->condition, op->true_value, op->false_value); }
    void visit(const Load *op) override {
        node(op, Used{op->name}, op->predicate, op->index, op->image, op->param, op->alignment);
    }
    void visit(const Ramp *op) override { node(op, op->base, op->stride, op->lanes); }
    void visit(const Broadcast *op) override { node(op, op->value, op->lanes); }
    void visit(const Call *op) override {
        node(op, op->name, op->call_type, op->value_index, op->args, op->image, op->param);
    }
    void visit(const Let *op) override { node(op, Declared{op->name}, op->value, op->body); }
    void visit(const Shuffle *op) override { node(op, op->vectors, op->indices); }
    void visit(const VectorReduce *op) override { node(op, op->op, op->value); }
    void visit(const LetStmt *op) override { node(op, Declared{op->name}, op->value, op->body); }
    void visit(const AssertStmt *op) override { node(op, op->condition, op->message); }
    void visit(const ProducerConsumer *op) override { node(op, Declared{op->name}, op->is_producer, op->body); }
    void visit(const For *op) override {
        node(op, Declared{op->name}, op->min, op->extent, op->for_type, op->device_api, op->partition_policy, op->body);
    }
    void visit(const Acquire *op) override { node(op, op->semaphore, op->count, op->body); }
    void visit(const Store *op) override {
        node(op, Used{op->name}, op->predicate, op->value, op->index, op->param, op->alignment);
    }
    void visit(const Allocate *op) override {
        node(op, Declared{op->name}, op->type, op->memory_type, op->extents, op->condition, op->new_expr,
             op->free_function, op->padding, op->body);
    }
    void visit(const Free *op) override { node(op, Used{op->name}); }
    void visit(const Block *op) override { node(op, op->first, op->rest); }
    void visit(const Fork *op) override { node(op, op->first, op->rest); }
    void visit(const IfThenElse *op) override { node(op, op->condition, op->then_case, op->else_case); }
    void visit(const Evaluate *op) override { node(op, op->value); }
    void visit(const Atomic *op) override { node(op, Used{op->producer_name}, Used{op->mutex_name}, op->body); }
    // Lowering leaves none of these.
    void visit(const Provide *) override {}
    void visit(const Realize *) override {}
    void visit(const Prefetch *) override {}
    void visit(const HoistedStorage *) override {}

private:
    template <typename Node, typename... Parts>
    void node(const Node *op, const Parts &...parts) {
        if (op == expected_) {
            expected_ = nullptr;
            add(Node::_node_type);
            (add(parts), ...);
        }
    }

    template <typename Handle>
    void add_tree(const Handle &tree) {
        add(tree.defined());
        if (tree.defined()) {
            expected_ = tree.get();
            tree.accept(this);
            if (expected_ != nullptr) {
                throw std::logic_error("lowered code has a node of which no canonical form is known: kind " +
                                       std::to_string((int)tree.node_type()));
            }
        }
    }
    void add(const Stmt &statement) { add_tree(statement); }
    void add(const Expr &expression) {
        add(expression.defined() ? expression.type() : Halide::Type());
        add_tree(expression);
    }

    template <typename Number, typename = std::enable_if_t<std::is_arithmetic_v<Number> || std::is_enum_v<Number>>>
    void add(Number value) {
        char raw[sizeof value];
        std::memcpy(raw, &value, sizeof value);
        bytes_.append(raw, sizeof raw);
    }
    template <typename Item>
    void add_list(const std::vector<Item> &list) {
        add(list.size());
        for (const Item &item : list) {
            add(item);
        }
    }
    void add(const std::vector<Expr> &list) { add_list(list); }
    void add(const std::vector<int> &list) { add_list(list); }

    void add(const Halide::Type &type) {
        add(type.code());
        add(type.bits());
        add(type.lanes());
    }
    void add(const ModulusRemainder &alignment) {
        add(alignment.modulus);
        add(alignment.remainder);
    }
    void add(const Halide::Parameter &parameter) {
        add(parameter.defined());
        if (parameter.defined() && parameter.is_buffer()) {
            add(parameter.host_alignment());
        }
    }
    void add(const Halide::Range &range) {
        add(range.min);
        add(range.extent);
    }

    void add(const Halide::Buffer<> &buffer) {
        add(buffer.defined());
        if (buffer.defined()) {
            add(Used{buffer.name()});
            add(buffer.type());
            add(buffer.dimensions());
            for (int i = 0; i < buffer.dimensions(); i++) {
                add(buffer.dim(i).min());
                add(buffer.dim(i).extent());
                add(buffer.dim(i).stride());
            }
            add(std::string((const char *)buffer.data(), buffer.size_in_bytes()));
        }
    }
    void add(const LoweredFunc &function) {
        add(function.name);
        add(function.linkage);
        add(function.name_mangling);
        add(function.args.size());
        for (const LoweredArgument &argument : function.args) {
            declare_buffer(argument.name);
            add(role(argument.name));
            add(argument.kind);
            add(argument.dimensions);
            add(argument.type);
            add(argument.alignment);
            const Halide::ArgumentEstimates &estimates = argument.argument_estimates;
            add(std::vector<Expr>{estimates.scalar_def, estimates.scalar_min, estimates.scalar_max,
                                  estimates.scalar_estimate});
            add_list(estimates.buffer_estimates);
        }
        add(function.body);
    }

    void add(const Declared &declared) { add(order_.try_emplace(declared.name, order_.size()).first->second); }
    void add(const Used &used) {
        const auto found = order_.find(used.name);
        add(found != order_.end());
        if (found != order_.end()) {
            add(found->second);
        } else {
            add(used.name);
        }
    }
    void add(const Entry &entry) {
        const auto found = std::find(entries_.begin(), entries_.end(), entry.text);
        add(found - entries_.begin());
        add(found != entries_.end() ? std::string() : entry.text);
    }
    void declare_buffer(const std::string &name) {
        add(Declared{name});
        add(Declared{name + ".buffer"});
    }

    const Names &entries_;
    std::string bytes_;
    std::map<std::string, size_t> order_;
    const IRNode *expected_ = nullptr;  // the node that is to be written next
};

Names entries_of(const std::string &ptx) {
    static const std::regex pattern("\\.entry (\\w+)\\(");
    Names names;
    for (std::sregex_iterator at(ptx.begin(), ptx.end(), pattern), end; at != end; ++at) {
        names.push_back((*at)[1]);
    }
    return names;
}

// Without comments, its entries by their order.
std::string canonical_ptx(const std::string &ptx, const Names &entries) {
    static const std::regex comment("//[^\n]*");
    std::string text = std::regex_replace(ptx, comment, "");
    for (size_t i = 0; i < entries.size(); i++) {
        text =
            std::regex_replace(text, std::regex("\\b" + entries[i] + "(?=\\b|_param_)"), "entry " + std::to_string(i));
    }
    return text;
}

}  // namespace

std::string canonical_form(const LoweredKernel &kernel) {
    const Names entries = entries_of(kernel.ptx);
    Writer writer(entries);
    writer.add(kernel.module);
    writer.add(canonical_ptx(kernel.ptx, entries));
    return writer.bytes();
}

std::string lowered_hash(const LoweredKernel &kernel) {
    const CompiledKernel &compiled = kernel.compiled;
    Names arguments;
    std::transform(compiled.arguments.begin(), compiled.arguments.end(), std::back_inserter(arguments), role);
    nlohmann::json promised = {arguments,          compiled.workspace_per_element,
                               compiled.alignment, compiled.threads,
                               halide_version(),   kernel.module.target().to_string()};
    if (!kernel.ptx.empty()) {
        promised.insert(promised.end(), {kernel.sms, cuda_toolkit_version(), ptxas_options});
    }
    return digest(promised.dump() + canonical_form(kernel));
}

std::string halide_version() {
    return std::to_string(HALIDE_VERSION_MAJOR) + "." + std::to_string(HALIDE_VERSION_MINOR) + "." +
           std::to_string(HALIDE_VERSION_PATCH);
}

}  // namespace norma
