// SPDX-License-Identifier: MIT
#include "shard.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/vector.h>

#include <optional>

#include "errors.h"
#include "last_error.h"
#include "norma/sharded.hpp"

namespace norma::python {
namespace {

using namespace nb::literals;

struct Exchange {
    nb::handle function;
    std::optional<nb::python_error> thrown;
};

nb::object memory(const void *data, int64_t count, int flags) {
    char *const bytes = const_cast<char *>(static_cast<const char *>(data));
    nb::object view = nb::steal(PyMemoryView_FromMemory(bytes, count * static_cast<Py_ssize_t>(sizeof(double)), flags));
    return view.attr("cast")("d");
}

// On the thread of the run, which has given up the GIL.
int exchange(void *communicator, const norma_exchange_request *request) {
    const nb::gil_scoped_acquire acquired;
    auto &called = *static_cast<Exchange *>(communicator);
    const bool gather = request->kind == NORMA_ALL_GATHER;
    try {
        called.function(gather ? "all_gather" : "all_reduce", memory(request->send, request->count, PyBUF_READ),
                        memory(request->receive, request->count * (gather ? request->ranks : 1), PyBUF_WRITE));
        return 0;
    } catch (nb::python_error &error) {
        called.thrown.emplace(std::move(error));
        return 1;
    } catch (...) {
        return 2;
    }
}

// An exchange may lead back to its shard.
int traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    if (nb::inst_ready(self)) {
        Py_VISIT(nb::inst_ptr<Shard>(self)->exchange.ptr());
    }
    return 0;
}

int clear(PyObject *self) {
    nb::inst_ptr<Shard>(self)->exchange.reset();
    return 0;
}

PyType_Slot slots[] = {
    {Py_tp_traverse, reinterpret_cast<void *>(traverse)}, {Py_tp_clear, reinterpret_cast<void *>(clear)}, {0, nullptr}};

constexpr const char *doc = R"(This rank's place where the last dimension of arrays is spread over ranks: the argument
`shard` of norms, whose arrays are then slices. All ranks call the same norms in the same order.

Args:
    rank, ranks: of this slice, and how many there are.
    exchange: exchange(kind, send, receive) with memoryviews of float64. "all_gather" fills receive with what each rank
        sends, in the order of the ranks, "all_reduce" with the sum. What it raises is the cause of a norma.Error.
    slices: the sizes of all ranks' slices; as this one's.
    chunk: elements whose statistics are found together, the same on all ranks; 0: 1024. Where all slices are whole
        chunks, results do not depend on the number of ranks.
    all_reduce: sums in place of a gather: fewer bytes, and other roundings for each number of ranks.
)";

}  // namespace

void run_sharded(const Shard &shard, const norma_plan_desc &desc, const norma_arguments &arguments,
                 const norma_execution &execution) {
    norma_sharded_desc sharded = describe_sharded(desc, shard.rank, shard.ranks);
    if (!shard.slices.empty() && static_cast<int32_t>(shard.slices.size()) != shard.ranks) {
        throw nb::value_error("slices has not one size for each rank");
    }
    if (desc.device.type == NORMA_CUDA) {
        throw nb::value_error("x is on CUDA; expected an array on the CPU, with a shard");
    }
    sharded.slices = shard.slices.empty() ? nullptr : shard.slices.data();
    sharded.chunk = shard.chunk;
    sharded.kind = shard.kind;
    Exchange called = {shard.exchange, {}};
    try {
        const nb::gil_scoped_release released;
        Workspace workspace;
        ShardedPlan(sharded).run(arguments, execution, workspace, exchange, &called);
    } catch (const Error &) {
        if (!called.thrown) {
            throw;
        }
        nb::raise_from(*called.thrown, error_type(), "%s", last_error());
    }
}

void define_shard(nb::module_ &module) {
    nb::class_<Shard>(module, "Shard", nb::type_slots(slots), doc)
        .def(
            "__init__",
            [](Shard *self, int32_t rank, int32_t ranks, nb::object exchange, std::vector<int64_t> slices,
               int64_t chunk, bool all_reduce) {
                new (self) Shard{rank,
                                 ranks,
                                 std::move(exchange),
                                 std::move(slices),
                                 chunk,
                                 all_reduce ? NORMA_ALL_REDUCE : NORMA_ALL_GATHER};
            },
            "rank"_a, "ranks"_a, "exchange"_a, nb::kw_only(), "slices"_a = std::vector<int64_t>(), "chunk"_a = 0,
            "all_reduce"_a = false,
            nb::sig("def __init__(self, rank: int, ranks: int, exchange: Callable[[str, memoryview, memoryview], Any], "
                    "*, slices: Sequence[int] = (), chunk: int = 0, all_reduce: bool = False) -> None"))
        .def_ro("rank", &Shard::rank)
        .def_ro("ranks", &Shard::ranks);
}

}  // namespace norma::python
