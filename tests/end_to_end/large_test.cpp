// SPDX-License-Identifier: MIT
// Tensors of more than 2^31 elements, in memory of which little exists.
#include <sys/mman.h>
#include <unistd.h>

#include <stdexcept>

#include "tests/support/call.h"
#include "tests/support/catch.h"
#include "tests/support/compare.h"

namespace {

using namespace norma;
using namespace norma::test;

// Address space whose pages exist once written; or, with a window, one piece of memory mapped again and again, of which
// only the last window is memory of its own.
class Sparse {
public:
    explicit Sparse(int64_t bytes, int64_t window = 0) : bytes_(static_cast<size_t>(bytes)) {
        void *memory =
            mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (memory == MAP_FAILED) {
            throw std::runtime_error("no address space");
        }
        begin_ = static_cast<char *>(memory);
        const int file = window ? memfd_create("norma", 0) : -1;
        if (window && (file < 0 || ftruncate(file, window) != 0)) {
            throw std::runtime_error("no memory to map");
        }
        for (int64_t at = 0; window && at + window < bytes; at += window) {
            if (mmap(begin_ + at, static_cast<size_t>(window), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file,
                     0) == MAP_FAILED) {
                throw std::runtime_error("too many mappings");
            }
        }
        close(file);
    }
    ~Sparse() { munmap(begin_, bytes_); }
    Sparse(const Sparse &) = delete;
    Sparse &operator=(const Sparse &) = delete;

    char *data() const { return begin_; }

private:
    size_t bytes_;
    char *begin_;
};

norma_plan_desc rms_norm(norma_dtype x, int64_t hidden) {
    norma_plan_desc desc = {};
    desc.size = sizeof(desc);
    desc.op = NORMA_RMS_NORM_FORWARD;
    desc.x = x;
    desc.hidden = hidden;
    return desc;
}

norma_arguments arguments_of(const norma_tensor &x, const norma_tensor &y) {
    norma_arguments arguments = {};
    arguments.size = sizeof(arguments);
    arguments.eps = 1e-6F;
    arguments.x = x;
    arguments.y = y;
    return arguments;
}

template <typename T>
void fill(char *data, int64_t hidden, int64_t row) {
    const reference::Values values = row_values(RowKind::normal, NORMA_F32, hidden, row, 0);
    for (size_t d = 0; d < values.size(); d++) {
        reinterpret_cast<T *>(data)[d] = static_cast<T>(static_cast<float>(values[d]));
    }
}

bool is_normalized(norma_dtype dtype, const char *x, const char *y, int64_t hidden) {
    reference::Options options;
    options.eps = static_cast<double>(1e-6F);
    const reference::Row expected = reference::rms_norm(reference::load(dtype, x, hidden), options);
    return !RowJudge({NORMA_RMS_NORM_FORWARD, dtype, dtype, NORMA_FP32_ONCE, 4}, options, expected)
                .first_mismatch(reference::load(dtype, y, hidden));
}

}  // namespace

TEST_CASE("more than 2^31 elements in all", "[large]") {
    const int64_t hidden = 4096, size = 2, window = int64_t{4} << 20;
    const int64_t rows = ((int64_t{1} << 31) / hidden / 512 + 3) * 512, row_bytes = hidden * size;
    const Sparse x(rows * row_bytes, window), y(rows * row_bytes, window);
    const int64_t interesting[] = {0, 77, rows - 512, rows - 1};
    for (int64_t row : interesting) {
        fill<Eigen::bfloat16>(x.data() + row * row_bytes, hidden, row);
    }
    const norma_plan_desc desc = rms_norm(NORMA_BF16, hidden);
    const norma_arguments arguments = arguments_of({x.data(), NORMA_BF16, {}, 2, {rows, hidden}, {hidden, 1}},
                                                   {y.data(), NORMA_BF16, {}, 2, {rows, hidden}, {hidden, 1}});
    norma_execution execution = {};
    execution.size = sizeof(execution);
    for (int32_t threads : {1, 2}) {
        execution.threads = threads;
        require_ok(norma_run(&desc, &arguments, &execution), "norma_run");
        for (int64_t row : interesting) {
            INFO("row " << row << " on " << threads << " threads");
            CHECK(is_normalized(NORMA_BF16, x.data() + row * row_bytes, y.data() + row * row_bytes, hidden));
            std::memset(y.data() + row * row_bytes, 0, static_cast<size_t>(row_bytes));
        }
    }
}

TEST_CASE("rows further apart than 2^31 elements", "[large]") {
    for (int64_t stride : {(int64_t{1} << 31) - 64, (int64_t{1} << 31) + 5, (int64_t{1} << 32) + 1}) {
        const int64_t hidden = 100, rows = 4, size = 4;
        const Sparse x(((rows - 1) * stride + hidden) * size), y(((rows - 1) * stride + hidden) * size);
        for (int64_t row = 0; row < rows; row++) {
            fill<float>(x.data() + row * stride * size, hidden, row);
        }
        const norma_plan_desc desc = rms_norm(NORMA_F32, hidden);
        const norma_arguments arguments = arguments_of({x.data(), NORMA_F32, {}, 2, {rows, hidden}, {stride, 1}},
                                                       {y.data(), NORMA_F32, {}, 2, {rows, hidden}, {stride, 1}});
        require_ok(norma_run(&desc, &arguments, nullptr), "norma_run");
        for (int64_t row = 0; row < rows; row++) {
            INFO("row " << row << " with stride " << stride);
            CHECK(is_normalized(NORMA_F32, x.data() + row * stride * size, y.data() + row * stride * size, hidden));
        }
    }
}

TEST_CASE("groups of rows further apart than 2^31 elements", "[large]") {
    const int64_t hidden = 64, inner = 3, outer = 3, size = 4, row_stride = 70;
    const int64_t x_stride = (int64_t{1} << 31) + 3, y_stride = (int64_t{1} << 30) + 1;
    const Sparse x(((outer - 1) * x_stride + inner * row_stride) * size);
    const Sparse y(((outer - 1) * y_stride + inner * row_stride) * size);
    for (int64_t row = 0; row < outer * inner; row++) {
        fill<float>(x.data() + (row / inner * x_stride + row % inner * row_stride) * size, hidden, row);
    }
    const norma_plan_desc desc = rms_norm(NORMA_F32, hidden);
    const norma_arguments arguments =
        arguments_of({x.data(), NORMA_F32, {}, 3, {outer, inner, hidden}, {x_stride, row_stride, 1}},
                     {y.data(), NORMA_F32, {}, 3, {outer, inner, hidden}, {y_stride, row_stride, 1}});
    require_ok(norma_run(&desc, &arguments, nullptr), "norma_run");
    for (int64_t row = 0; row < outer * inner; row++) {
        INFO("row " << row);
        CHECK(is_normalized(NORMA_F32, x.data() + (row / inner * x_stride + row % inner * row_stride) * size,
                            y.data() + (row / inner * y_stride + row % inner * row_stride) * size, hidden));
    }
}
