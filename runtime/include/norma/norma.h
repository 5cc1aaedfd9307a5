// SPDX-License-Identifier: MIT
// Norma: LayerNorm and RMSNorm kernels compiled ahead of time. The C interface; norma.hpp wraps it for C++.
//
//   1. Describe the kernel that you need (norma_plan_desc) and make a plan. This may allocate, lock and explain itself.
//   2. Run the plan as often as you like (norma_plan_run). This never allocates, locks, looks up, prints or aborts.
//      Where even its checks take too long, bind a call once and run that (norma_bind, norma_call_run).
//
// Formulas, over one row x of `hidden` elements (docs/numerics.md says how each is rounded):
//   layer_norm  y = (x - mean) * rstd * (weight + weight_offset) + bias,  rstd = 1 / sqrt(mean((x - mean)^2) + eps)
//               (Ba, Kiros, Hinton 2016, "Layer Normalization", eq. 4)
//   rms_norm    y = x * rstd * (weight + weight_offset) + bias,           rstd = 1 / sqrt(mean(x^2) + eps)
//               (Zhang, Sennrich 2019, "Root Mean Square Layer Normalization", eq. 4)
//   with a residual: residual_out = round(x + residual) to its type, and residual_out takes the place of x above.
//   backward, with n = (x - mean) * rstd (layer_norm) or x * rstd (rms_norm), g = dy * (weight + weight_offset):
//               dx = (g - mean(g) - n * mean(g * n)) * rstd + d_residual    (rms_norm: without mean(g))
//               dweight = sum of dy * n over the rows, dbias = sum of dy over the rows
//               x is what the forward normalized: its residual_out where it had a residual.
//
// Every function that can fail returns a status and leaves a message for norma_last_error(). A call that is refused has
// written nothing. No function throws, aborts, or prints unless the environment variable NORMA_VERBOSE asks for it.
#ifndef NORMA_NORMA_H
#define NORMA_NORMA_H

#include <stddef.h>
#include <stdint.h>

#include "library.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NORMA_VERSION_MAJOR 0
#define NORMA_VERSION_MINOR 1
#define NORMA_VERSION_PATCH 0

#if defined(__GNUC__)
#define NORMA_API __attribute__((visibility("default")))
#else
#define NORMA_API
#endif

typedef enum norma_status {
    NORMA_OK = 0,
    NORMA_INVALID_ARGUMENT = 1,    // an argument is wrong: the message names it, its value and what was expected
    NORMA_NOT_IN_LIBRARY = 2,      // no kernel for this variant: the message is the manifest line that would add it
    NORMA_UNSUPPORTED_TARGET = 3,  // the forced target is unknown or cannot run on this machine
    NORMA_NO_DEVICE = 4,           // the device type is not available here
    NORMA_OUT_OF_MEMORY = 5,
    NORMA_PARALLEL_FOR_FAILED = 6,  // the caller's parallel_for returned non-zero, or did not run every task once
    NORMA_INTERNAL = 7,             // a kernel refused its buffers: a bug in Norma
    NORMA_DEVICE_ERROR = 8,         // the CUDA driver failed: the message has the function and its name for the error
    NORMA_EXCHANGE_FAILED = 9       // of norma_sharded_run: the caller's exchange failed, or another rank did
} norma_status;

// Open lists: new values are added at the end, and values not listed are refused.
typedef enum norma_dtype {
    NORMA_NONE = 0,  // the tensor is absent
    NORMA_F32 = 1,
    NORMA_F16 = 2,
    NORMA_BF16 = 3,
    // Quantized: elements are multiples of a scale.
    NORMA_I8 = 4,       // of x and y
    NORMA_F8_E4M3 = 5,  // of y. OCP's FP8: no infinity, largest 448
    NORMA_F8_E5M2 = 6,  // of y. Largest 57344; infinity is never written
    NORMA_U8 = 7,       // of y, with a zero point
    NORMA_I32 = 8,      // of x: the sums of an int8 matmul
    NORMA_F64 = 9       // of first_moment and second_moment
} norma_dtype;

// The scale of a quantized y, in arguments.y_scale: y = round(value / y_scale), saturated to +-127 in NORMA_I8. In
// NORMA_U8, which has NORMA_SCALE_TENSOR alone, y = round(value / y_scale) + y_zero_point, saturated to 0 .. 255.
// A scale that the kernel finds is the largest magnitude over the type's largest number: 0 (and zeros) where that
// magnitude is below 2^-100; NaN (and zeros, NaN kept in the 8-bit floats) where there is a NaN or infinity.
typedef enum norma_scale {
    NORMA_SCALE_NONE = 0,
    NORMA_SCALE_TENSOR = 1,    // given: one number, y_scale of rank 0
    NORMA_SCALE_ROW = 2,       // found: one for each row, y_scale of the shape of x without its last dimension
    NORMA_SCALE_GROUP_32 = 3,  // found: one for each 32 consecutive elements of a row, y_scale [..., hidden / 32]
    NORMA_SCALE_GROUP_64 = 4,
    NORMA_SCALE_GROUP_128 = 5
} norma_scale;

typedef enum norma_op {
    NORMA_LAYER_NORM_FORWARD = 1,
    NORMA_RMS_NORM_FORWARD = 2,
    NORMA_LAYER_NORM_BACKWARD = 3,
    NORMA_RMS_NORM_BACKWARD = 4
} norma_op;

// The promised rounding order, part of the kernel's name.
typedef enum norma_contract {
    NORMA_FP32_ONCE = 1,  // everything in fp32, one rounding at the store
    // rms_norm without bias: y = round((weight + weight_offset) * round_x(x * rstd)). Its backward treats a rounding as
    // the identity and sees rounded values: g = round_x(dy * (weight + weight_offset)), dweight = sum of dy *
    // round_x(n)
    NORMA_HF = 2,
    // A forward whose y is not quantized, as accurate as docs/numerics.md says, and not in place. Neither an order of
    // roundings nor that a row has the same bits in any batch is promised, and a run may allocate.
    NORMA_RELAXED = 3
} norma_contract;

typedef enum norma_device_type { NORMA_CPU = 1, NORMA_CUDA = 2 } norma_device_type;

typedef struct norma_device {
    norma_device_type type;
    int32_t id;  // ordinal of the device of its type; 0 for the CPU
} norma_device;

#define NORMA_MAX_RANK 4

// A tensor that the caller owns. Shapes and strides are in elements.
// Activations (x, y, y_float, residual, residual_out, dy, dx, d_residual) have 1 to 4 dimensions [..., hidden]; all
// dimensions but the last are folded to rows, and may have any non-negative stride (packed QKV: [batch, tokens, hidden]
// with the outer strides of the packed tensor). The last stride must be 1. Rows of an output must not overlap. weight,
// bias, dweight, dbias and x_column_scale are [hidden]; mean, rstd, moments and the scales of rows have the shape of x
// without its last dimension, or with 1 in its place, and non-negative strides. Strides of dimensions of one element do
// not matter. A device type of 0 means the CPU. Data must be aligned to its element size; nothing more is asked, and
// results do not depend on more.
typedef struct norma_tensor {
    void *data;  // null means absent; with zero rows it may be null, but for dweight and dbias
    norma_dtype dtype;
    norma_device device;
    int32_t rank;
    int64_t shape[NORMA_MAX_RANK];
    int64_t strides[NORMA_MAX_RANK];
} norma_tensor;

// What a plan may rely on. Flags are declared here since they choose the kernel or widen what run accepts.
// Of a forward:
#define NORMA_SAVE_STATISTICS 1u        // mean (layer_norm) and rstd are written, as fp32
#define NORMA_Y_IN_PLACE 2u             // y may be the very tensor x (same data, shape and strides)
#define NORMA_RESIDUAL_OUT_IN_PLACE 4u  // residual_out may be the very tensor residual
// Of a backward:
#define NORMA_RECOMPUTE_STATISTICS 8u  // mean and rstd are computed from x, not given: 4 or 8 bytes less for each row
#define NORMA_F32_GRADIENTS 16u        // dweight and dbias are fp32, not of the types of weight and bias
#define NORMA_DX_IN_PLACE 32u          // dx may be the very tensor d_residual
// dweight and dbias are added to what they hold, which is rounded once with the sum: gradients of one more micro-batch.
#define NORMA_ACCUMULATE_GRADIENTS 64u
// Of either, where x is a slice of longer rows (sharded.h does all of it). The moments are those of a forward's x
// (layer_norm: mean and variance; rms_norm: the mean square alone, as second_moment), of a backward mean(g) and
// mean(g * n) (rms_norm: the latter alone, as second_moment).
#define NORMA_PARTIAL_STATISTICS 128u  // first_moment and second_moment of x as it is are written, and nothing else
#define NORMA_MERGED_STATISTICS 256u   // they are given, of whole rows, and not computed from x

// The variant: which kernel. Zero-initialize, set `size`, then the fields you need. Copied by norma_plan_create.
typedef struct norma_plan_desc {
    size_t size;  // sizeof(norma_plan_desc)
    norma_op op;
    norma_contract contract;  // 0 means NORMA_FP32_ONCE
    norma_device device;      // type 0 means the CPU
    int64_t hidden;           // hidden size D, 1 .. 2^30
    norma_dtype x;            // of x and dx
    norma_dtype y;            // of y and dy; 0 means the type of x
    norma_dtype y_float;      // of y_float: y before it is quantized, rounded once. NORMA_NONE: without
    norma_dtype weight;       // of weight and dweight. NORMA_NONE: no weight, and weight_offset is not used
    norma_dtype bias;         // of bias and dbias. NORMA_NONE: no bias. A backward does not read it
    norma_dtype residual;     // of residual and residual_out, or of d_residual. NORMA_NONE: without
    norma_scale scale;        // of a quantized y
    uint32_t flags;           // NORMA_SAVE_STATISTICS | ...
    const char
        *target;  // null: NORMA_TARGET from the environment, else the best that the device runs. See norma_target_info
    const char
        *kernel;  // null: the dispatcher chooses. Else the name of the kernel to use, refused where it does not fit
} norma_plan_desc;

// The tensors, by role, and the scalars of one call. Absent tensors stay zero. All tensors of activations have the same
// shape. No output may overlap another tensor, except as the plan's flags allow.
typedef struct norma_arguments {
    size_t size;           // sizeof(norma_arguments)
    float eps;             // >= 0; not used by a backward with saved statistics
    float weight_offset;   // 0 for a plain weight, 1 for Gemma's (1 + weight); added in fp32
    int32_t y_zero_point;  // of y in NORMA_U8, 0 to 255; else 0
    norma_tensor x;
    norma_tensor y;
    norma_tensor weight;
    norma_tensor bias;
    norma_tensor residual;
    norma_tensor residual_out;
    norma_tensor mean;
    norma_tensor rstd;
    norma_tensor dy;
    norma_tensor d_residual;
    norma_tensor dx;
    norma_tensor dweight;
    norma_tensor dbias;
    norma_tensor x_scale;  // f32, of x in NORMA_I8 and NORMA_I32: rank 0, or one for each row
    norma_tensor y_scale;  // f32: see norma_scale
    norma_tensor y_float;
    norma_tensor x_column_scale;  // f32, of x in NORMA_I32: x stands for x * x_column_scale * x_scale
    norma_tensor first_moment;    // f64: see NORMA_PARTIAL_STATISTICS
    norma_tensor second_moment;
} norma_arguments;

// A task of a parallel loop.
typedef void (*norma_task)(void *task_data, int64_t index);

// The caller's thread pool: runs task(task_data, i) once for each i in [0, count), on any threads, and returns 0 when
// all are done. Tasks do not wait for each other, and throw nothing. Non-zero makes the run fail with
// NORMA_PARALLEL_FOR_FAILED. It must return: a C++ exception that leaves it, or longjmp, is undefined behaviour, as it
// skips what the run has to put back. One in C++ catches what its pool throws, and returns non-zero.
typedef int (*norma_parallel_for)(void *context, int64_t count, norma_task task, void *task_data);

typedef enum norma_store {
    NORMA_STORE_AUTO = 0,  // by footprint against the streaming threshold of the target
    NORMA_STORE_ORDINARY = 1,
    NORMA_STORE_STREAMING = 2  // past the cache, without reading the lines for ownership. Same bits, but for the sign
                               // and payload of a NaN
} norma_store;

// How to run. Null, or zero-initialized with `size` set, means: Norma's pool, all its threads, no workspace.
typedef struct norma_execution {
    size_t size;  // sizeof(norma_execution)
    int32_t
        threads;  // most threads to use, the calling one included; 0: norma_get_num_threads(). Bits do not depend on it
    norma_parallel_for parallel_for;  // null: Norma's pool
    void *parallel_for_context;
    void *cuda_stream;  // CUstream of the context that is current on the calling thread, for plans on CUDA
    void *workspace;    // at least norma_plan_workspace_size bytes on the plan's device, aligned to 64, not shared
                        // between concurrent runs
    size_t workspace_size;
    norma_store store;
} norma_execution;

typedef struct norma_plan norma_plan;

// Chooses a kernel. On success *plan is to be destroyed with norma_plan_destroy; on failure it is null.
// Thread-safe. May allocate. Errors: INVALID_ARGUMENT, NOT_IN_LIBRARY, UNSUPPORTED_TARGET, NO_DEVICE, OUT_OF_MEMORY.
NORMA_API norma_status norma_plan_create(const norma_plan_desc *desc, norma_plan **plan);

// Null is allowed. No run of the plan may be under way, and no call of it may run afterwards.
NORMA_API void norma_plan_destroy(norma_plan *plan);

// Normalizes. Any number of threads may run the same plan at once, each with tensors and workspace of its own.
// Zero rows are allowed: only dweight and dbias are written then, with zeros. Errors: INVALID_ARGUMENT (nothing is
// written), PARALLEL_FOR_FAILED.
NORMA_API norma_status norma_plan_run(const norma_plan *plan, const norma_arguments *arguments,
                                      const norma_execution *execution);

// A tensor of norma_arguments, by the member's name.
typedef enum norma_tensor_role {
    NORMA_TENSOR_X = 1,
    NORMA_TENSOR_WEIGHT = 2,
    NORMA_TENSOR_BIAS = 3,
    NORMA_TENSOR_RESIDUAL = 4,
    NORMA_TENSOR_Y = 5,
    NORMA_TENSOR_RESIDUAL_OUT = 6,
    NORMA_TENSOR_MEAN = 7,
    NORMA_TENSOR_RSTD = 8,
    NORMA_TENSOR_DY = 9,
    NORMA_TENSOR_D_RESIDUAL = 10,
    NORMA_TENSOR_DX = 11,
    NORMA_TENSOR_DWEIGHT = 12,
    NORMA_TENSOR_DBIAS = 13,
    NORMA_TENSOR_X_SCALE = 14,
    NORMA_TENSOR_Y_SCALE = 15,
    NORMA_TENSOR_Y_FLOAT = 16,
    NORMA_TENSOR_X_COLUMN_SCALE = 17,
    NORMA_TENSOR_FIRST_MOMENT = 18,
    NORMA_TENSOR_SECOND_MOMENT = 19
} norma_tensor_role;

typedef struct norma_call norma_call;

// A run in two steps, for calls that are repeated: norma_bind checks and prepares everything that norma_plan_run does
// before the kernel, norma_call_run does the rest. The call keeps copies of arguments and execution; plan, tensors,
// workspace and what the execution points to must live as long as it runs. Zero threads mean those that
// norma_get_num_threads() says now. On success *call is to be destroyed with norma_call_destroy; on failure it is null.
// Thread-safe. Allocates the call. Errors: as norma_plan_run's, and OUT_OF_MEMORY.
NORMA_API norma_status norma_bind(const norma_plan *plan, const norma_arguments *arguments,
                                  const norma_execution *execution, norma_call **call);

// The first `rows` rows, 0 to as many as x had when the call was bound; tensors and workspace are as large as they were
// then. Gradients of weight and bias are of these rows. The bits are those of norma_plan_run. A call is used by one
// thread at a time; any number of calls of one plan may run at once. Never allocates, locks (but for the pool of a
// parallel run) or prints. Errors: INVALID_ARGUMENT (rows, a given y_scale that is not positive, or new data that
// overlaps; nothing is written), PARALLEL_FOR_FAILED.
NORMA_API norma_status norma_call_run(norma_call *call, int64_t rows);

// Other data for one of the call's tensors, of the same type, shape and strides. Refused here, and left as it was,
// where it is null or not aligned as norma_bind would ask. Whether it overlaps another tensor is found in the next run:
// what may not be in between may be after the next norma_call_set_data. Tensors in place move one after the other.
NORMA_API norma_status norma_call_set_data(norma_call *call, norma_tensor_role role, void *data);

// Null is allowed. No run of the call may be under way. The plan may have been destroyed.
NORMA_API void norma_call_destroy(norma_call *call);

// Bytes of workspace that a run of at most `rows` rows on at most `threads` threads (0: norma_get_num_threads()) needs.
// 0 for most forward plans. A backward with weight or bias needs 4 bytes for each of their elements and each strip of
// rows, of which there are never more than 128, and up to 16 for each element and each thread (docs/backward.md).
NORMA_API norma_status norma_plan_workspace_size(const norma_plan *plan, int64_t rows, int32_t threads, size_t *bytes);

// The chosen kernel's name, and why it was chosen: one line for each kernel considered. Valid as long as the plan.
NORMA_API const char *norma_plan_kernel(const norma_plan *plan);
NORMA_API const char *norma_plan_explain(const norma_plan *plan);

// Plan and run in one call: plans are kept in a cache shared by all threads (least recently used out first), workspace
// is allocated when needed, on the CPU alone. Thread-safe; takes a lock.
NORMA_API norma_status norma_run(const norma_plan_desc *desc, const norma_arguments *arguments,
                                 const norma_execution *execution);
NORMA_API void norma_plan_cache_clear(void);
NORMA_API norma_status norma_plan_cache_set_capacity(int32_t plans);  // default 64; 0 turns the cache off

// Threads of Norma's own pool, made on the first parallel run. Not to be changed while a run is under way.
NORMA_API norma_status norma_set_num_threads(int32_t threads);  // 0: as many as the process may use
NORMA_API int32_t norma_get_num_threads(void);

// Takes what `norma calibrate` measured on this machine from its file, for plans made from now on (those that norma_run
// has cached stay): when results are streamed, and what is worth a thread. Bits do not depend on it. A null path takes
// it back. Before the file of the environment variable NORMA_CALIBRATION. Any thread at any time.
// NORMA_INVALID_ARGUMENT, with nothing changed, for a file that cannot be read or has a line that makes no sense.
NORMA_API norma_status norma_set_calibration(const char *path);

// Ends the pool's threads and clears the plan cache. Call before dlclose. Nothing may be running. Norma can be used
// again afterwards. A child after fork need not call it: it has no threads of the pool before its first parallel run.
NORMA_API void norma_shutdown(void);

NORMA_API const char *norma_status_string(norma_status status);

// The message of the last call that failed on this thread; "" when none has. Valid until the next failure on this
// thread.
NORMA_API const char *norma_last_error(void);

NORMA_API const char *norma_version(void);

// What this library holds.
typedef struct norma_kernel_info {
    size_t size;  // sizeof(norma_kernel_info), set by the caller
    const char *name;
    const char *target;
    norma_op op;
    norma_contract contract;
    norma_dtype x, y, weight, bias, residual, y_float;
    norma_scale scale;
    uint32_t flags;           // those of a norma_plan_desc that choose it: its source of statistics
    int64_t hidden_multiple;  // runs every hidden size that is a multiple of this
    int64_t hidden_exact;     // or only this one, when not 0
    int64_t hidden_most;      // and none larger than this, when not 0
    const char *strategy;
    const char *knobs;   // JSON object
    const char *origin;  // the record that the knobs come from, or "default"
    int runnable;        // whether this CPU, or a CUDA device of this machine, can execute it
    norma_device_type device;
    int32_t alignment;  // runs with data and row strides that are multiples of so many bytes; 0: of their elements
} norma_kernel_info;

typedef struct norma_target_info {
    size_t size;  // sizeof(norma_target_info), set by the caller
    const char *name;
    const char *halide;  // Halide's target string
    int runnable;        // whether this CPU, or a CUDA device of this machine, can execute it
    int chosen;          // whether plans without a target of their own use it, on the CPU or CUDA device 0
    norma_device_type device;
    int32_t sm;  // of CUDA: the least compute capability, 10 * major + minor
} norma_target_info;

NORMA_API int32_t norma_kernel_count(void);
NORMA_API norma_status norma_get_kernel_info(int32_t index, norma_kernel_info *info);
NORMA_API int32_t norma_target_count(void);
NORMA_API norma_status norma_get_target_info(int32_t index, norma_target_info *info);

#ifdef __cplusplus
}
#endif

#endif
