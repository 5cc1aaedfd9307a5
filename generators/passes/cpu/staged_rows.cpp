// SPDX-License-Identifier: MIT
#include "staged_rows.h"

#include <algorithm>
#include <vector>

namespace norma {

using namespace Halide;
using namespace Halide::Internal;

namespace {

const char *const prefix = "staged.";

constexpr int prefetches = 2;  // StoreMode::streaming_prefetch

Expr store_mode() { return Variable::make(Int(32), "store_mode"); }

}  // namespace

class StagedRowsPass::Accesses : public IRVisitor {
public:
    explicit Accesses(const std::set<std::string> &outputs) : outputs_(outputs) {}

    std::map<std::string, Access> stores, loads;  // loads: not of what is stored, such as sums of columns

private:
    using IRVisitor::visit;
    template <typename T>
    void visit_let(const T *op) {
        op->value.accept(this);
        names_.emplace_back(op->name, op->value);
        op->body.accept(this);
        names_.pop_back();
    }
    void visit(const Let *op) override { visit_let(op); }
    void visit(const LetStmt *op) override { visit_let(op); }
    void visit(const For *op) override {
        names_.emplace_back(op->name, op->min);
        op->body.accept(this);
        names_.pop_back();
    }
    void visit(const Store *op) override {
        stored_.insert(op->name);
        if (outputs_.count(op->name) != 0) {
            add(stores[op->name], op->value.type(), op->index);
        }
        IRVisitor::visit(op);
    }
    void visit(const Load *op) override {
        if (op->param.defined() && op->param.dimensions() == 2 && stored_.count(op->name) == 0) {
            add(loads[op->name], op->type, op->index);
        }
        IRVisitor::visit(op);
    }

    void add(Access &access, const Type &type, Expr index) {
        if (access.count++ > 0) {
            return;
        }
        if (const Ramp *ramp = index.as<Ramp>()) {
            index = ramp->base;
        }
        for (auto name = names_.rbegin(); name != names_.rend(); ++name) {
            index = substitute(name->first, name->second, index);
        }
        access.type = type.element_of();
        access.lanes = type.lanes();
        access.first = simplify(substitute_in_all_lets(index));
    }

    const std::set<std::string> &outputs_;
    std::set<std::string> stored_;
    std::vector<std::pair<std::string, Expr>> names_;
};

class StagedRowsPass::StoreToBlocks : public IRMutator {
public:
    explicit StoreToBlocks(const std::map<std::string, Access> &outputs) : outputs_(outputs) {}

private:
    using IRMutator::visit;
    Stmt visit(const Store *op) override {
        const auto output = outputs_.find(op->name);
        if (output == outputs_.end()) {
            return op;
        }
        Expr first = output->second.first;
        if (op->index.type().is_vector()) {
            first = Broadcast::make(first, op->index.type().lanes());
        }
        return Store::make(staged_name(op->name), op->value, simplify(op->index - first), Parameter(), op->predicate,
                           ModulusRemainder());
    }

    const std::map<std::string, Access> &outputs_;
};

namespace {

Expr memory(const std::string &name) { return Variable::make(type_of<void *>(), name); }
Expr row_stride(const std::string &name) { return Variable::make(Int(32), name + ".stride.1"); }

Stmt call(const std::string &name, const std::vector<Expr> &args) {
    return Evaluate::make(Call::make(Int(32), name, args, Call::Extern));
}

}  // namespace

std::string staged_name(const std::string &output) { return prefix + output; }

std::string unstaged_name(const std::string &name) {
    return starts_with(name, prefix) ? name.substr(std::string(prefix).size()) : name;
}

// The outermost loop in a group of rows that stores to outputs: over its rows, or over columns with a store for each.
Stmt StagedRowsPass::visit(const For *op) {
    if (in_group_) {
        return staged(op);
    }
    in_group_ = ends_with(op->name, ".group");
    const Stmt loop = IRMutator::visit(op);
    in_group_ = false;
    return loop;
}

Stmt StagedRowsPass::staged(const For *op) const {
    Accesses accesses(outputs_);
    op->accept(&accesses);
    if (accesses.stores.empty()) {
        return op;
    }
    Expr streams = store_mode() != 0 && hidden_ <= most_hidden_;
    for (const auto &[name, store] : accesses.stores) {
        streams = streams && row_stride(name) == hidden_;
    }
    if (!ends_with(op->name, ".row")) {
        const Access &store = accesses.stores.begin()->second;
        streams = streams && op->extent * store.lanes == hidden_;
        return IfThenElse::make(streams, staged(op, accesses, store.count), op);
    }
    // Some rows at a time: a long stream keeps memory waiting, then busy.
    const std::string batch = unique_name("batch");
    const Expr rows = Variable::make(Int(32), batch + ".rows"), before = Variable::make(Int(32), batch) * rows,
               count = min(op->extent - before, rows);
    const Stmt part =
        For::make(op->name, op->min + before, count, op->for_type, op->partition_policy, op->device_api, op->body);
    Accesses of_part(outputs_);
    part.accept(&of_part);
    Stmt all = For::make(batch, 0, (op->extent + (rows - 1)) / rows, ForType::Serial, Partition::Never, DeviceAPI::None,
                         staged(part.as<For>(), of_part, count));
    all = LetStmt::make(batch + ".rows", max(batch_elements_ / hidden_, 1), all);
    return IfThenElse::make(streams, all, op);
}

Stmt StagedRowsPass::staged(const For *op, const Accesses &accesses, const Expr &rows) const {
    Stmt body = StoreToBlocks(accesses.stores).mutate(op);
    for (const auto &[name, store] : accesses.stores) {
        body = Block::make(body, call("kernel_stream_store_" + std::to_string(stream_bytes_),
                                      {memory(name), cast<int64_t>(store.first) * store.type.bytes(),
                                       memory(staged_name(name)), rows * hidden_ * store.type.bytes()}));
    }
    for (const auto &[name, load] : rows_ahead_ > 0 ? accesses.loads : std::map<std::string, Access>()) {
        const Expr next = load.first + rows_ahead_ * row_stride(name);
        const Stmt prefetch = call("kernel_prefetch", {memory(name), cast<int64_t>(next) * load.type.bytes(),
                                                       rows * hidden_ * load.type.bytes(), prefetches});
        body =
            Block::make(IfThenElse::make(row_stride(name) == hidden_ && hidden_ >= least_prefetched_, prefetch), body);
    }
    const int side_by_side = accesses.stores.begin()->second.count;
    for (const auto &[name, store] : accesses.stores) {
        body = Allocate::make(staged_name(name), store.type, MemoryType::Stack,
                              {std::max({batch_elements_, most_hidden_, side_by_side * most_hidden_})}, const_true(),
                              body);
    }
    return body;
}

}  // namespace norma
