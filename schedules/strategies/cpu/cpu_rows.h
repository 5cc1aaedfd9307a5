// SPDX-License-Identifier: MIT
// Strategy cpu_rows: a serial kernel over a block of rows, each row reduced in vector lanes.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "generators/algorithms/row.h"

namespace norma {

struct CpuRowsKnobs {
    // Partial sums kept side by side by a sweep with one sum, and by each sum of a sweep with two. They are the leaves
    // of the reduction tree, so they decide the bits. Enough to hide the latency of an add, few enough to stay in
    // registers.
    int lanes = 64;
    int pair_lanes = 64;
    // Blocks of `lanes` elements that are summed plainly; chunks join the row's total with their rounding errors, so
    // this bounds the error of a row of any length.
    int chunk = 16;
    // Short rows worked on together: while one waits for its square root, the others sum.
    int rows = 1;
    // With column sums: the elements, and unless rows are short the rows, that are worked on together, so that a
    // column's sum stays in a register.
    int column_rows = 2;
    int column_lanes = 64;
    // fp32 elements in one vector register of the target.
    int vector = 16;
    // Elements computed and stored together: one whole cache line at least, so that streaming stores fill it.
    int store_lanes = 64;
    // Bytes of one streaming store of the target: 16, 32 or 64.
    int stream_bytes = 64;
    // Blocks of store_lanes that are streamed at once. Each batch costs a call; but a long one keeps memory waiting,
    // then busy.
    int store_batch = 2;
    int short_store_batch = 8;
    // Whether to convert with the target's own instructions (F16C; AVX512-BF16). Same bits, far fewer instructions.
    int native_f16 = 0;
    int native_bf16 = 0;
};

CpuRowsKnobs cpu_rows_knobs(const nlohmann::json &json);      // throws std::invalid_argument on an unknown knob
std::string cpu_rows_refusal(const CpuRowsKnobs &knobs);      // empty when legal
int CpuRowsKnobs::*cpu_rows_member(const std::string &knob);  // throws std::invalid_argument on an unknown knob

// Whether two chunks hold a row of any of the hidden sizes: then there is no need for more than one.
bool cpu_rows_are_short(const CpuRowsKnobs &knobs, const HiddenClass &hidden);

// Settings worth measuring for a variant beside the defaults, the nearest to them first.
std::vector<nlohmann::json> cpu_rows_search_space(const Variant &variant, const nlohmann::json &defaults,
                                                  const Halide::Target &target);
// Whether two settings add a row's elements in the same order: then their kernels give the same bits.
bool cpu_rows_same_tree(const nlohmann::json &a, const nlohmann::json &b);

class CpuRow : public Row {
public:
    CpuRow(const CpuRowsKnobs &knobs, HiddenClass hidden) : knobs_(knobs), hidden_(hidden) {}

    RowValue load(const std::string &role, norma_dtype type) override;
    RowValue parameter(const std::string &role, norma_dtype type) override;
    RowValue prepare(const std::string &name, RowValue value) override;
    Halide::Expr per_row(const std::string &role) override;
    Halide::Expr scalar(const std::string &role) override;
    RowValue keep(const std::string &name, norma_dtype type, RowValue value) override;
    std::vector<Halide::Expr> means(const std::string &name, const std::vector<RowValue> &terms) override;
    MeanAndAmax mean_and_amax(const std::string &name, const RowValue &term, const RowValue &value) override;
    Halide::Expr amax(const std::string &name, const RowValue &value) override;
    RowValue group_amax(const std::string &name, int size, const RowValue &value) override;
    Halide::Expr once(const std::string &name, Halide::Expr value) override;
    void store(const std::string &role, norma_dtype type, RowValue value) override;
    void store_groups(const std::string &role, int size, RowValue value) override;
    void store_scalar(const std::string &role, Halide::Expr value) override;
    void column_sum(const std::string &role, RowValue value) override;

    // Schedules everything that the algorithm made. Call once, after the algorithm.
    Halide::Pipeline lower();
    // Inputs in the order that the algorithm asked for them; outputs follow in the pipeline's order.
    const std::vector<Halide::Argument> &inputs() const { return inputs_; }
    int workspace_per_element() const;

private:
    struct Sum {
        Halide::Func chunk, total, amax, mean;  // amax: undefined unless it was asked for
        Halide::RVar block, part, rest, lane;
        int lanes;
        bool one_chunk;
    };

    struct Reduced {
        std::vector<Halide::Expr> means;
        Halide::Expr amax;
    };

    // The means of `terms` and, where there is a `value`, its largest magnitude: in one sweep.
    Reduced reduce(const std::string &name, const std::vector<RowValue> &terms, const RowValue &value);
    Halide::Expr element(Halide::Expr block, Halide::Var lane, int lanes) const;
    bool has_tail(int width) const;
    bool short_rows() const;
    int rows_in_flight() const;
    void bound_outputs();
    Halide::LoopLevel schedule_outputs(const std::vector<Halide::Func> &outputs);
    Halide::LoopLevel schedule_column_outputs();
    void schedule_elements(Halide::Func f) const;
    // Of a sum or maximum in lanes: along its blocks, then the rest of the row where that has an update of its own.
    void schedule_lanes(Halide::Func f, int lanes, const Halide::RVar &along, const Halide::RVar &rest) const;
    void schedule_sum(Sum &sum, const Halide::LoopLevel &each_group) const;

    CpuRowsKnobs knobs_;
    HiddenClass hidden_;
    Halide::Expr extent_;
    Halide::Var d_{"d"}, r_{"r"}, lane_{"lane"};
    std::vector<Halide::Argument> inputs_;
    std::vector<Sum> sums_;
    std::vector<Halide::Func> groups_, group_outputs_;  // of `group_size_` elements
    int group_size_ = 0;
    std::vector<Halide::Func> prepared_, scalars_, kept_, element_outputs_, column_outputs_, scalar_outputs_;
    int kept_bytes_ = 0;
};

}  // namespace norma
