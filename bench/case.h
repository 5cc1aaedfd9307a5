// SPDX-License-Identifier: MIT
// One line of the benchmark: a kernel on a shape, against copies of the same bytes and the yardstick.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cache_state.h"
#include "measure.h"
#include "norma/norma.h"
#include "runtime/vocabulary/variant.h"
#include "runtime/vocabulary/words.h"
#include "team.h"
#include "yardstick.h"

namespace norma::bench {

// What of the C interface is timed.
enum class CalledBy { bound, plan, run };  // norma_call_run, norma_plan_run, norma_run
inline constexpr Word call_word_table[] = {{static_cast<int32_t>(CalledBy::bound), "bound"},
                                           {static_cast<int32_t>(CalledBy::plan), "plan"},
                                           {static_cast<int32_t>(CalledBy::run), "run"}};
inline constexpr Words call_words = call_word_table;

struct Case {
    std::optional<Variant> kernel;  // where a kernel is named: it says all that the next ones do
    norma_op op = NORMA_LAYER_NORM_FORWARD;
    norma_dtype x = NORMA_F32;             // also weight, bias, residual and dx, which are f32 beside an 8-bit x
    norma_dtype y = NORMA_F32;             // or dy
    norma_scale scale = NORMA_SCALE_NONE;  // of an 8-bit y
    int64_t rows = 0;
    int64_t hidden = 0;
    bool residual = false;    // of a forward
    bool recompute = false;   // the statistics, in a backward
    bool accumulate = false;  // the gradients of weight and bias
    bool save_stats = false;  // mean and rstd, of a forward
    norma_contract contract = NORMA_FP32_ONCE;
    int64_t row_stride = 0;  // of x, y and residual, in elements; 0: hidden
    bool yardstick = false;
    std::string target;  // empty: the library's choice
    norma_device_type device = NORMA_CPU;
    norma_store store = NORMA_STORE_AUTO;
    CalledBy call = CalledBy::plan;
    CacheState cache = CacheState::warm;  // on a CPU
};

struct Result {
    std::string kernel;
    std::string target;
    int64_t bytes = 0;
    Timing kernel_time;
    Timing control;  // the same once more
    Timing copy;
    std::optional<Timing> stream_copy;  // on a CPU
    std::optional<Timing> yardstick;    // of the faster kind of store; on a CPU, of what has one
    std::optional<Timing> empty;        // a kernel that does nothing, on CUDA

    double ratio() const;  // to the faster copy
    // Whether the kernel agrees with itself and varies by less than a tenth.
    bool steady() const { return agree(kernel_time, control) && kernel_time.spread < 0.1 * kernel_time.ns; }
    double yardstick_ratio() const;
};

// The plan that a case asks for. Pointers in it are the case's.
norma_plan_desc describe(const Case &c);
Variant variant_of(const Case &c);

// Read and written: every activation, statistic and scale once, weight, bias and their gradients once for all rows.
int64_t bytes_moved(const Case &c);

// Throws norma::Error where the library refuses. On CUDA the team does nothing, the copy is the driver's, of as many
// bytes read and written together, and what is read is in no cache.
Result measure_case(const Case &c, Team &team, const Effort &effort);

// Times of the same run with ordinary and with streaming stores, on a CPU.
std::vector<Timing> measure_stores(const Case &c, Team &team, const Effort &effort);

// Times of runs on `threads` threads, in rotation, each as if so many elements were worth a thread.
struct Tasks {
    std::string kernel, target;
    std::vector<std::vector<double>> ns;  // of each number of elements
};
Tasks sample_tasks(const Case &c, const std::vector<int64_t> &grain_size, int threads, const Effort &effort);

}  // namespace norma::bench
