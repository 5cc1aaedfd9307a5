// SPDX-License-Identifier: MIT
#include "paired_sums.h"

#include <set>
#include <vector>

#include "generators/passes/half_pairs.h"

namespace norma {

using namespace Halide;
using namespace Halide::Internal;

namespace {

// A vector of lanes in memory that a loop adds to.
class Lanes {
public:
    explicit Lanes(const Store *sum) : sum_(sum), half_(sum->value.type().with_lanes(sum->value.type().lanes() / 2)) {
        const Expr begin = sum->index.as<Ramp>()->base;
        first_ = Ramp::make(begin, 1, half_.lanes());
        second_ = Ramp::make(begin + half_.lanes(), 1, half_.lanes());
    }

    Pairs halves() const { return {load(first_), load(second_)}; }

    Stmt store(const Pairs &values) const {
        const std::string name = unique_name("odd");  // the even values may be stored over what the odd ones need
        const Stmt both = Block::make(store(first_, values.even), store(second_, Variable::make(half_, name)));
        return LetStmt::make(name, values.odd, both);
    }
    Stmt part_even_and_odd() const {
        const Expr all = Shuffle::make_concat({load(first_), load(second_)});
        return store({Shuffle::make_slice(all, 0, 2, half_.lanes()), Shuffle::make_slice(all, 1, 2, half_.lanes())});
    }
    Stmt back_in_order() const {
        const Expr all = Shuffle::make_interleave({load(first_), load(second_)});
        return store(
            {Shuffle::make_slice(all, 0, 1, half_.lanes()), Shuffle::make_slice(all, half_.lanes(), 1, half_.lanes())});
    }

private:
    Expr load(const Expr &index) const {
        return Load::make(half_, sum_->name, index, Buffer<>(), sum_->param, const_true(half_.lanes()), {});
    }
    Stmt store(const Expr &index, const Expr &value) const {
        return Store::make(sum_->name, value, index, sum_->param, const_true(half_.lanes()), {});
    }

    const Store *sum_;
    Type half_;
    Expr first_, second_;
};

// What a loop's store adds to lanes that stay the same throughout the loop, if that can be split.
std::optional<Pairs> split_sum(const Store *op, const Scope<> &changes) {
    const Ramp *ramp = op->index.as<Ramp>();
    if (ramp == nullptr || !is_const_one(ramp->stride) || ramp->lanes % 2 != 0 || !is_const_one(op->predicate) ||
        expr_uses_vars(op->index, changes)) {
        return std::nullopt;
    }
    const Known before{op->name, op->index, Lanes(op).halves()};
    return split_pairs(substitute_in_all_lets(op->value), &before);
}

// A loop's body with the vectors that it names in the places where they are used.
class VectorsInPlace : public IRMutator {
private:
    using IRMutator::visit;
    Stmt visit(const LetStmt *op) override {
        return op->value.type().is_vector() ? mutate(substitute(op->name, op->value, op->body)) : IRMutator::visit(op);
    }
};

// Of a loop's body: the sums that can be split, and whatever else has to do with memory.
class FindSums : public IRVisitor {
public:
    explicit FindSums(const std::string &loop) { changes.push(loop); }

    Scope<> changes;  // the loop's variable, and those that its body sets
    bool is_innermost = true;
    std::vector<const Store *> sums;
    std::set<std::string> others;

private:
    using IRVisitor::visit;
    void visit(const For *) override { is_innermost = false; }
    void visit(const LetStmt *op) override {
        changes.push(op->name);
        IRVisitor::visit(op);
    }
    void visit(const Allocate *op) override {
        others.insert(op->name);
        IRVisitor::visit(op);
    }
    void visit(const Store *op) override {
        sum_ = split_sum(op, changes) ? op : nullptr;
        if (sum_ != nullptr) {
            sums.push_back(op);
        } else {
            others.insert(op->name);
        }
        IRVisitor::visit(op);
        sum_ = nullptr;
    }
    void visit(const Load *op) override {
        if (sum_ == nullptr || op->name != sum_->name || !equal(op->index, sum_->index)) {
            others.insert(op->name);
        }
        IRVisitor::visit(op);
    }

    const Store *sum_ = nullptr;
};

class SplitSums : public IRMutator {
public:
    explicit SplitSums(const FindSums &found) : found_(found) {}

private:
    using IRMutator::visit;
    Stmt visit(const Store *op) override {
        if (found_.others.count(op->name) != 0) {
            return op;
        }
        const Pairs pairs = *split_sum(op, found_.changes);
        return Lanes(op).store(
            {common_subexpression_elimination(pairs.even), common_subexpression_elimination(pairs.odd)});
    }

    const FindSums &found_;
};

}  // namespace

Stmt PairedSumsPass::visit(const For *op) {
    FindSums found(op->name);
    const Stmt in_place = VectorsInPlace().mutate(op->body);
    in_place.accept(&found);
    if (!found.is_innermost) {
        return IRMutator::visit(op);
    }
    std::vector<Stmt> before, after;
    for (const Store *sum : found.sums) {
        if (found.others.count(sum->name) == 0) {
            before.push_back(Lanes(sum).part_even_and_odd());
            after.push_back(Lanes(sum).back_in_order());
        }
    }
    const auto with_body = [&](const Stmt &body) {
        return For::make(op->name, op->min, op->extent, op->for_type, op->partition_policy, op->device_api, body);
    };
    if (before.empty()) {
        const Stmt whole = substitute_in_all_lets(in_place), body = mutate(whole);
        return body.same_as(whole) ? Stmt(op) : with_body(body);
    }
    before.push_back(with_body(SplitSums(found).mutate(in_place)));
    before.insert(before.end(), after.begin(), after.end());
    return Block::make(before);
}

Expr PairedSumsPass::visit(const VectorReduce *op) {
    const bool any_order = op->op == VectorReduce::Max && op->type.is_scalar() && op->type.is_uint();
    const std::optional<Pairs> pairs = any_order ? split_pairs(op->value) : std::nullopt;
    return pairs ? VectorReduce::make(op->op, common_subexpression_elimination(max(pairs->even, pairs->odd)), 1)
                 : IRMutator::visit(op);
}

}  // namespace norma
