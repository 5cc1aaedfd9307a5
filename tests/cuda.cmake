# The CUDA half of the runtime without a GPU: over a driver that is not one.
pkg_check_modules(zstd REQUIRED IMPORTED_TARGET libzstd)
add_library(fake_cuda SHARED support/cuda/fake_driver.cpp support/cuda/fake_launch.cpp support/cuda/fake_state.cpp support/cuda/fatbin.cpp)
target_include_directories(fake_cuda PRIVATE ${PROJECT_SOURCE_DIR}/runtime/include)
target_link_libraries(fake_cuda PRIVATE norma_ptx PkgConfig::zstd)
set_target_properties(fake_cuda PROPERTIES OUTPUT_NAME cuda SOVERSION 1 LIBRARY_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/fake)

add_library(no_cuda SHARED support/cuda/no_driver.cpp)
set_target_properties(no_cuda PROPERTIES OUTPUT_NAME cuda SOVERSION 1 LIBRARY_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/none)

norma_test(cuda_launch_test SOURCES runtime/device/cuda/launch_test.cpp support/cuda/registry.cpp LINK bare_runtime fake_cuda)
norma_test(missing_variant_test SOURCES runtime/missing_variant_test.cpp support/cuda/registry.cpp LINK bare_runtime fake_cuda nlohmann_json::nlohmann_json)

# As a program on a machine with and without a driver.
add_executable(cuda_plan support/cuda/plan.cpp support/cuda/registry.cpp)
target_link_libraries(cuda_plan PRIVATE bare_runtime)
set_target_properties(cuda_plan PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
norma_test(cuda_driver_test SOURCES runtime/device/cuda/driver_test.cpp LINK bare_runtime)
target_compile_definitions(cuda_driver_test PRIVATE CUDA_PLAN="${run_words}$<TARGET_FILE:cuda_plan>" FAKE_CUDA="$<TARGET_FILE_DIR:fake_cuda>"
    NO_CUDA="$<TARGET_FILE_DIR:no_cuda>")
add_dependencies(cuda_driver_test cuda_plan fake_cuda no_cuda)

add_executable(toy_cuda_generator support/cuda/toy_generator.cpp ${PROJECT_SOURCE_DIR}/generators/passes/cpu/output_stores.cpp
    ${PROJECT_SOURCE_DIR}/generators/passes/fused_multiply_add.cpp)
target_include_directories(toy_cuda_generator PRIVATE ${PROJECT_SOURCE_DIR})
target_link_libraries(toy_cuda_generator PRIVATE halide)
set(toys ${CMAKE_CURRENT_BINARY_DIR}/toy_wide.o ${CMAKE_CURRENT_BINARY_DIR}/toy_narrow.o)
add_custom_command(OUTPUT ${toys} COMMAND toy_cuda_generator ${CMAKE_CURRENT_BINARY_DIR} DEPENDS toy_cuda_generator)
norma_test(cuda_toy_test SOURCES runtime/device/cuda/toy_test.cpp support/cuda/toy_registry.cpp ${toys} LINK bare_runtime fake_cuda)

norma_test(cuda_tool_test SOURCES tools/norma/cuda_run_test.cpp support/cuda/toy_registry.cpp ../tools/norma/run_tensors.cpp ../tools/norma/run_options.cpp ${toys}
    LINK bare_runtime fake_cuda norma_safetensors norma_devices)
set(bench ${PROJECT_SOURCE_DIR}/bench)
norma_test(cuda_bench_test SOURCES bench/cuda_bench_test.cpp support/cuda/toy_registry.cpp ${bench}/case.cpp ${toys}
    LINK bare_runtime fake_cuda norma_devices)

add_executable(toy_norma support/cuda/toy_norma.cpp support/cuda/toy_registry.cpp ${bench}/bench.cpp ${bench}/case.cpp
    ${bench}/given_names.cpp ${bench}/options.cpp ${bench}/report.cpp ${bench}/report_html.cpp ${toys})
target_link_libraries(toy_norma PRIVATE bare_runtime norma_devices norma_base norma_page CLI11::CLI11 nlohmann_json::nlohmann_json norma_fmt)
add_test(NAME gpu_script COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/end_to_end/check_gpu_script ${PROJECT_SOURCE_DIR} $<TARGET_FILE:toy_norma>
    $<TARGET_FILE_DIR:fake_cuda> $<$<BOOL:${NORMA_PTXAS}>:$<TARGET_FILE:normagen>>)

# Every CUDA kernel of the library, on whatever driver there is: here on the fake one; for script/gpu.
add_executable(every_cuda_kernel kernels/cuda_kernels_test.cpp)
target_link_libraries(every_cuda_kernel PRIVATE norma_test_calls norma_test_main)
set_target_properties(every_cuda_kernel PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)

# The kernels of a manifest, linked into the test of them.
if(NORMA_PTXAS)
    set(kernels ${CMAKE_CURRENT_BINARY_DIR}/kernels)
    set(manifest ${PROJECT_SOURCE_DIR}/manifests/cuda-test.json)
    file(GLOB targets CONFIGURE_DEPENDS ${NORMA_TARGET_FILES}/*.json)
    add_custom_command(
        OUTPUT ${kernels}/registry.cpp ${kernels}/objects.rsp
        COMMAND normagen compile --manifest ${manifest} --target all --records none --out ${kernels} --cache ${NORMA_KERNELS}/cache
        COMMAND ${CMAKE_COMMAND} -E touch ${kernels}/registry.cpp ${kernels}/objects.rsp
        DEPENDS $<TARGET_FILE:normagen> ${manifest} ${targets}
        COMMENT "Compiling CUDA kernels of the tests"
        USES_TERMINAL
        VERBATIM)
    foreach(name kernels backward)
        norma_test(cuda_${name}_test SOURCES kernels/cuda_${name}_test.cpp ${kernels}/registry.cpp LINK norma_test_call_sources bare_runtime fake_cuda)
        target_link_options(cuda_${name}_test PRIVATE @${kernels}/objects.rsp)
        set_target_properties(cuda_${name}_test PROPERTIES LINK_DEPENDS ${kernels}/objects.rsp)
    endforeach()
    if(TARGET norma_nccl)
        set(nccl adapters/nccl_test.cpp)
    endif()
    norma_test(cuda_sharded_test SOURCES runtime/sharded/cuda_sharded_test.cpp runtime/sharded/sharded_norm.cpp ${nccl} ${kernels}/registry.cpp
        LINK $<TARGET_NAME_IF_EXISTS:norma_nccl> norma_test_call_sources bare_runtime fake_cuda)
    target_link_options(cuda_sharded_test PRIVATE @${kernels}/objects.rsp)
    set_target_properties(cuda_sharded_test PROPERTIES LINK_DEPENDS ${kernels}/objects.rsp)
    add_test(NAME every_cuda_kernel COMMAND every_cuda_kernel)
    set(no_cuda_kernels TRUE)  # in the library: cuda_kernels_test has some of its own
    if(NORMA_TARGETS MATCHES "all|cuda")
        set(no_cuda_kernels FALSE)
    endif()
    set_tests_properties(every_cuda_kernel PROPERTIES ENVIRONMENT LD_LIBRARY_PATH=$<TARGET_FILE_DIR:fake_cuda> DISABLED ${no_cuda_kernels})
    add_test(NAME cuda_bundle COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/end_to_end/check_cuda_bundle ${PROJECT_SOURCE_DIR} ${CMAKE_COMMAND}
        $<TARGET_FILE:normagen> $<TARGET_FILE_DIR:fake_cuda>)
    norma_test(cuda_tune_test SOURCES generators/tuning/cuda_tune_test.cpp LINK nlohmann_json::nlohmann_json)
    target_compile_definitions(cuda_tune_test PRIVATE FAKE_CUDA="$<TARGET_FILE_DIR:fake_cuda>")
    add_dependencies(cuda_tune_test normagen fake_cuda)
endif()
