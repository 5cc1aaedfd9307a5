# Halide's C++ SDK, from the wheel that script/setup puts into .venv. An installed compiler has of it, for bundles, the
# headers of its runtime.
file(GLOB NORMA_HALIDE_GUESS ${PROJECT_SOURCE_DIR}/.venv/lib/python3.*/site-packages/halide ${PROJECT_SOURCE_DIR}/halide)
set(NORMA_HALIDE_ROOT "${NORMA_HALIDE_GUESS}" CACHE PATH "The halide folder of the wheel: include/ and lib64/")
if(NOT EXISTS ${NORMA_HALIDE_ROOT}/include/HalideRuntime.h)
    message(FATAL_ERROR "Halide is not at NORMA_HALIDE_ROOT (\"${NORMA_HALIDE_ROOT}\"): run script/setup")
endif()

add_library(halide_headers INTERFACE)
target_include_directories(halide_headers SYSTEM INTERFACE ${NORMA_HALIDE_ROOT}/include)

add_library(halide SHARED IMPORTED)
set_target_properties(halide PROPERTIES IMPORTED_LOCATION ${NORMA_HALIDE_ROOT}/lib64/libHalide.so)
target_link_libraries(halide INTERFACE halide_headers)
