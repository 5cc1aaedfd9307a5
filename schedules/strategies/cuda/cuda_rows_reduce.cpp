// SPDX-License-Identifier: MIT
// What all threads of a row learn from all of its elements: sums and the largest magnitude.
#include "cuda_rows.h"
#include "generators/algorithms/numeric.h"

namespace norma {

using namespace Halide;

namespace {

// Whose sums every thread adds up by itself: more are added as those of lanes are.
constexpr int few_warps = 8;

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
// the halves of the warps, then over these, or over the warps as over lanes. All but the first in pairs, and every lane
// and warp with the same result.
std::vector<Expr> CudaRow::reduce(const std::string &name, const std::vector<Reduced> &values) {
    const size_t count = values.size();
    auto tuple = [&](const std::function<Expr(size_t)> &f) {
        std::vector<Expr> results;
        for (size_t i = 0; i < count; i++) {
            results.push_back(f(i));
        }
        return Tuple(results);
    };
    auto at = [](const Func &f, const std::vector<Expr> &where, size_t i) {
        return f.outputs() == 1 ? Expr(f(where)) : Expr(f(where)[i]);
    };
    Reduction reduction;
    const bool lanes_take_warps = shape_.warps > few_warps;
    // Of two accesses; a strip's block has no registers for them.
    const int gathered = shape_.warps % 4 == 0 && !lanes_take_warps && !shape_.strips ? shape_.warps / 2 : 1;
    auto at_vector = [&](const Expr &chunk) { return lane_ + shape_.lanes * (warp_ + shape_.warps * chunk); };
    Func part(name + "_part");
    const std::vector<Expr> own = {v_, lane_, warp_, r_};
    std::vector<size_t> errors(count);  // where the part has what rounding took from a sum; 0: it has not
    if (shape_.in_registers()) {
        part(own) = tuple([&](size_t i) {
            Expr all = values[i].term(v_ + shape_.vector * at_vector(0));
            for (int chunk = 1; chunk < shape_.chunks; chunk++) {
                all = values[i].combine(all, values[i].term(v_ + shape_.vector * at_vector(chunk)));
            }
            return all;
        });
    } else {
        reduction.along = reduce_chunks(name, part, values, errors);
    }
    reduction.part = part;

    Func before(name + "_thread");
    before(lane_, warp_, r_) = tuple([&](size_t i) {
        std::vector<Expr> elements;
        for (int v = 0; v < shape_.vector; v++) {
            const std::vector<Expr> here = {v, lane_, warp_, r_};
            const Expr found = at(part, here, i), error = errors[i] != 0 ? at(part, here, errors[i]) : Expr(0.0f);
            // An infinite sum has no meaningful error.
            elements.push_back(errors[i] != 0 ? select(error == error, found + error, found) : found);
        }
        return pairwise(elements, values[i].combine);
    });
    // `first`, then what each lane knows after each exchange: in the end, of as many lanes as `reached`.
    auto exchanged = [&](const Func &first, const std::string &prefix, int reached) {
        std::vector<Func> tree = {first};
        for (int distance = reached / 2; distance >= 1; distance /= 2) {
            Func more(prefix + std::to_string(distance));
            more(lane_, warp_, r_) = tuple([&](size_t i) {
                return values[i].combine(at(tree.back(), {lane_, warp_, r_}, i),
                                         at(tree.back(), {(lane_ + distance) % shape_.lanes, warp_, r_}, i));
            });
            tree.push_back(more);
        }
        return tree;
    };
    reduction.tree = exchanged(before, name + "_lanes_", shape_.lanes);
    before = reduction.tree.back();
    if (warps_share_a_row()) {
        reduction.cross = Func(name + "_warps");
        reduction.cross(warp_, r_) = tuple([&](size_t i) { return at(before, {0, warp_, r_}, i); });
    }
    if (warps_share_a_row() && !lanes_take_warps) {
        reduction.gathered = Func(name + "_gathered");
        reduction.gathered(own) = tuple([&](size_t i) {
            std::vector<Expr> warps;
            for (int w = 0; w < shape_.warps; w += gathered) {
                warps.push_back(at(reduction.cross, {w + v_, r_}, i));
            }
            return pairwise(warps, values[i].combine);
        });
    }
    if (lanes_take_warps) {
        int taken = 1;
        while (taken < shape_.warps) {
            taken *= 2;
        }
        Func lane_sum(name + "_of_warp");
        const Expr of_lane = lane_ % taken;
        lane_sum(lane_, warp_, r_) = tuple([&](size_t i) {
            const Expr sum = at(reduction.cross, {min(of_lane, shape_.warps - 1), r_}, i);
            return taken == shape_.warps ? sum : select(of_lane < shape_.warps, sum, values[i].zero);
        });
        reduction.over_warps = exchanged(lane_sum, name + "_warps_", taken);
        before = reduction.over_warps.back();
    }

    Func all(name);
    all(lane_, warp_, r_) = tuple([&](size_t i) {
        if (!warps_share_a_row() || lanes_take_warps) {
            return at(before, {lane_, warp_, r_}, i);
        }
        std::vector<Expr> sums;
        for (int v = 0; v < gathered; v++) {
            sums.push_back(at(reduction.gathered, {v, lane_, warp_, r_}, i));
        }
        return pairwise(sums, values[i].combine);
    });
    reduction.all = all;
    scalars_.push_back(all);
    reduction.each_warp = warps_share_a_row() ? LoopLevel(reduction.cross, warp_) : LoopLevel(all, r_);
    std::vector<Expr> results;
    for (size_t i = 0; i < count; i++) {
        results.push_back(at(all, {lane_, warp_, r_}, i));
    }
    reductions_.push_back(reduction);
    return results;
}

// Of sums without end, what each addition rounded away is summed beside.
RVar CudaRow::reduce_chunks(const std::string &name, Func part, const std::vector<Reduced> &values,
                            std::vector<size_t> &errors) {
    const Expr vectors = hidden_ / shape_.vector, of_a_sweep = shape_.lanes * shape_.warps;
    RDom k(0, (vectors + of_a_sweep - 1) / of_a_sweep, name + "_chunk");
    const Expr at_vector = lane_ + shape_.lanes * (warp_ + shape_.warps * k);
    const Expr d = v_ + shape_.vector * min(at_vector, vectors - 1);
    std::vector<Expr> zeros;
    for (const Reduced &value : values) {
        zeros.push_back(value.zero);
    }
    for (size_t i = 0; i < values.size(); i++) {
        if (shape_.any_length && values[i].zero.type().is_float()) {
            errors[i] = zeros.size();
            zeros.emplace_back(0.0f);
        }
    }
    const std::vector<Expr> own = {v_, lane_, warp_, r_};
    part(own) = Tuple(zeros);
    auto before = [&](size_t i) { return zeros.size() == 1 ? Expr(part(own)) : Expr(part(own)[i]); };
    std::vector<Expr> after(zeros.size());
    Internal::ScopedValue<bool> sweep(in_sweep_, true);
    for (size_t i = 0; i < values.size(); i++) {
        const Expr added = select(at_vector < vectors, values[i].term(d), values[i].zero);
        after[i] = values[i].combine(before(i), added);
        if (errors[i] != 0) {
            after[errors[i]] = before(errors[i]) + rounding_error(before(i), added, after[i]);
        }
    }
    part(own) = Tuple(after);
    return k.x;
}

void CudaRow::schedule_reduction(Reduction &reduction, const LoopLevel &each_row) const {
    if (warps_share_a_row()) {
        reduction.cross.compute_at(each_row).store_in(MemoryType::GPUShared).gpu_threads(warp_);
        if (reduction.gathered.defined()) {
            reduction.gathered.compute_at(reduction.all, lane_).store_in(MemoryType::Register).vectorize(v_);
        }
    }
    for (Func f : reduction.over_warps) {
        f.compute_at(reduction.all, warp_).store_in(MemoryType::Register).align_bounds(lane_, shape_.lanes);
        f.gpu_lanes(lane_);
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

CudaRow::Reduced CudaRow::sum(const Term &term) {
    return {[=](Expr d) { return term.value(d); }, 0.0f, [](Expr a, Expr b) { return a + b; }};
}

CudaRow::Reduced CudaRow::largest(const RowValue &value) {
    return {[=](Expr d) { return magnitude_bits(value(d)); }, cast<uint32_t>(0),
            [](Expr a, Expr b) { return max(a, b); }};
}

// A product with 1 / hidden would be fused with what it is subtracted from, in some places and not in others.
Expr CudaRow::mean_of(const Expr &sum) const {
    return cast<double>(Internal::Call::make(Float(32), Internal::Call::strict_div, {sum, cast<float>(hidden_)},
                                             Internal::Call::PureIntrinsic));
}

std::vector<Expr> CudaRow::means(const std::string &name, const std::vector<Term> &terms) {
    std::vector<Reduced> sums;
    for (const Term &term : terms) {
        sums.push_back(sum(term));
    }
    std::vector<Expr> means = reduce(name, sums);
    for (Expr &mean : means) {
        mean = mean_of(mean);
    }
    return means;
}

Expr CudaRow::amax(const std::string &name, const RowValue &value) {
    return reinterpret<float>(reduce(name, {largest(value)})[0]);
}

Row::MeanSquareAndAmax CudaRow::mean_square_and_amax(const std::string &name, const RowValue &x, norma_dtype,
                                                     const Expr &, const RowValue &value) {
    const std::vector<Expr> found = reduce(name, {sum({x, x}), largest(value)});
    return {mean_of(found[0]), reinterpret<float>(found[1])};
}

}  // namespace norma
