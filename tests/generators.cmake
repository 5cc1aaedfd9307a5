# Tests of what runs on the machine that compiles: normagen and the passes, and a library with a Halide runtime of its own.
# Host code of CUDA kernels on the interpreter of PTX.
add_library(norma_test_interpreted INTERFACE)
target_sources(norma_test_interpreted INTERFACE ${CMAKE_CURRENT_SOURCE_DIR}/support/cuda/interpreted.cpp)
target_compile_definitions(norma_test_interpreted INTERFACE NORMA_LINKER="${CMAKE_LINKER}")
target_link_libraries(norma_test_interpreted INTERFACE norma_compiler norma_ptx)

norma_test(toy_op_test SOURCES generators/algorithms/toy_op_test.cpp LINK norma_test_interpreted $<LINK_LIBRARY:WHOLE_ARCHIVE,norma_host_cpu>)
set_target_properties(toy_op_test PROPERTIES ENABLE_EXPORTS ON)  # JIT-compiled code calls into it

norma_test(passes_test SOURCES generators/passes/half_convert_test.cpp generators/passes/fused_multiply_add_test.cpp generators/passes/packed_bytes_test.cpp
    generators/passes/cpu/lane_tree_test.cpp generators/passes/cpu/output_stores_test.cpp generators/passes/cpu/paired_sums_test.cpp
    generators/passes/cpu/staged_rows_test.cpp generators/passes/cpu/store_mode_test.cpp generators/passes/cpu/tail_loop_test.cpp support/streamed.cpp
    generators/passes/cuda/cuda_rewrites_test.cpp LINK norma_compiler)
set_target_properties(passes_test PROPERTIES ENABLE_EXPORTS ON)  # JIT-compiled code calls into it

norma_test(cuda_image_test SOURCES generators/codegen/cuda_image_test.cpp generators/passes/cuda/cuda_passes_test.cpp LINK norma_compiler)
norma_test(lowered_hash_test SOURCES generators/codegen/lowered_hash_test.cpp LINK norma_compiler)
norma_test(features_test SOURCES runtime/device/cpu/features_test.cpp ${PROJECT_SOURCE_DIR}/runtime/src/device/cpu/features.cpp
    LINK norma_generators)
target_include_directories(features_test PRIVATE ${PROJECT_SOURCE_DIR}/runtime/src/device/cpu/${NORMA_ARCHITECTURE})
norma_test(emit_object_test SOURCES generators/codegen/emit_object_test.cpp LINK norma_emit)
if(NORMA_PTXAS)
    norma_test(cuda_rows_test SOURCES schedules/strategies/cuda/cuda_rows_test.cpp schedules/strategies/cuda/cuda_search_space_test.cpp LINK norma_test_interpreted)
    set_target_properties(cuda_rows_test PROPERTIES ENABLE_EXPORTS ON)  # kernels call into it
    add_test(NAME cuda_resources COMMAND ${PROJECT_SOURCE_DIR}/tests/end_to_end/check_cuda_resources ${PROJECT_SOURCE_DIR}
        $<TARGET_FILE:normagen> ${NORMA_KERNELS}/cache)
    set_tests_properties(cuda_resources PROPERTIES SKIP_RETURN_CODE 77)
endif()

norma_test(normagen_test SOURCES end_to_end/bundle_test.cpp generators/normagen/normagen_test.cpp generators/normagen/manifest_test.cpp
    generators/codegen/target_file_test.cpp LINK nlohmann_json::nlohmann_json)
add_dependencies(normagen_test normagen)
if(TARGET norma_tool_object)
    add_dependencies(normagen_test norma_tool_object)
    target_compile_definitions(normagen_test PRIVATE NORMA_IN_BUNDLES)
endif()
norma_test(hostile_test SOURCES end_to_end/hostile_test.cpp LINK norma_safetensors)
add_dependencies(hostile_test normagen norma_tool)
set(measure ${PROJECT_SOURCE_DIR}/generators/tuning/measure)
norma_test(tune_test SOURCES generators/tuning/tune_test.cpp generators/tuning/pool_test.cpp generators/records/records_test.cpp
    generators/tuning/search_test.cpp ${measure}/search.cpp ${measure}/budget.cpp ${measure}/pool.cpp LINK norma_records halide_headers)
add_dependencies(tune_test normagen norma_measure)
target_compile_definitions(tune_test PRIVATE HALIDE_INCLUDE="${NORMA_HALIDE_ROOT}/include")

# A library of kernels of the contract relaxed.
set(relaxed ${CMAKE_CURRENT_BINARY_DIR}/relaxed)
add_custom_command(OUTPUT ${relaxed}/registry.cpp
    COMMAND normagen compile --manifest ${CMAKE_CURRENT_SOURCE_DIR}/data/relaxed.json --target host --records none --out ${relaxed}
    DEPENDS normagen data/relaxed.json VERBATIM)
norma_test(relaxed_test SOURCES kernels/relaxed_test.cpp ${relaxed}/registry.cpp LINK norma_test_call_sources bare_runtime)
target_link_options(relaxed_test PRIVATE @${relaxed}/objects.rsp)

add_test(NAME fused_multiply_adds COMMAND ${PROJECT_SOURCE_DIR}/tests/end_to_end/check_fused ${PROJECT_SOURCE_DIR} $<TARGET_FILE:normagen>)
add_test(NAME generated_files COMMAND ${PROJECT_SOURCE_DIR}/tests/end_to_end/check_generated ${PROJECT_SOURCE_DIR} $<TARGET_FILE:normagen>)
# normagen with some of its sources replaced: what would have become of the records.
function(normagen_with name)
    add_executable(${name} $<TARGET_OBJECTS:normagen> ${ARGN})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
    target_include_directories(${name} BEFORE PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/changed)
    target_include_directories(${name} PRIVATE ../generators/algorithms ../generators/passes ${PROJECT_SOURCE_DIR})
    target_link_libraries(${name} PRIVATE norma_generators norma_records norma_devices norma_kernel_host CLI11::CLI11 norma_fmt Threads::Threads ${CMAKE_DL_LIBS})
endfunction()
function(changed_source result file change)
    set(changed ${CMAKE_CURRENT_BINARY_DIR}/changed/${result})
    cmake_path(GET changed PARENT_PATH folder)
    add_custom_command(OUTPUT ${changed} COMMAND mkdir -p ${folder} COMMAND sed ${change} ${PROJECT_SOURCE_DIR}/${file} > ${changed}
        DEPENDS ${PROJECT_SOURCE_DIR}/${file} VERBATIM)
endfunction()
changed_source(rms_norm.cpp generators/algorithms/rms_norm.cpp "s|1.0f / sqrt|1.0000001f / sqrt|")
changed_source(renamed_pass.cpp generators/passes/half_convert.cpp "1a// A comment.")
changed_source(layer_norm.cpp generators/algorithms/layer_norm.cpp "1a// A comment.")
changed_source(runtime/vocabulary/variant.h runtime/vocabulary/variant.h "1a// A comment.")
set(changed ${CMAKE_CURRENT_BINARY_DIR}/changed)
file(GLOB vocabulary CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/runtime/vocabulary/*.h)
list(FILTER vocabulary EXCLUDE REGEX /variant.h)
file(COPY ${vocabulary} DESTINATION ${changed}/runtime/vocabulary)  # headers beside it are included by their bare names
# An algorithm that nothing calls by name is linked where it is named here.
set(algorithms ${PROJECT_SOURCE_DIR}/generators/algorithms)
normagen_with(normagen_other_constant ${changed}/rms_norm.cpp ${algorithms}/layer_norm.cpp)
normagen_with(normagen_other_comments ${changed}/renamed_pass.cpp ${changed}/layer_norm.cpp ${algorithms}/rms_norm.cpp ${changed}/runtime/vocabulary/variant.h)
add_test(NAME records_hold COMMAND ${PROJECT_SOURCE_DIR}/tests/end_to_end/check_records_hold ${PROJECT_SOURCE_DIR}
    $<TARGET_FILE:normagen> $<TARGET_FILE:normagen_other_comments> $<TARGET_FILE:normagen_other_constant>)

# What the programs write, and leave.
add_test(NAME files COMMAND ${PROJECT_SOURCE_DIR}/tests/end_to_end/check_files $<TARGET_FILE:normagen> $<TARGET_FILE:norma_tool>)
add_test(NAME ended COMMAND ${PROJECT_SOURCE_DIR}/tests/end_to_end/check_ended $<TARGET_FILE:normagen> $<TARGET_FILE:norma_tool>)
add_test(NAME at_once COMMAND ${PROJECT_SOURCE_DIR}/tests/end_to_end/check_at_once $<TARGET_FILE:normagen>)
set_tests_properties(files ended at_once PROPERTIES TIMEOUT 900)
add_test(NAME without_ray COMMAND ${PROJECT_SOURCE_DIR}/tests/end_to_end/check_without_ray ${PROJECT_SOURCE_DIR} $<TARGET_FILE:normagen>)

add_test(NAME tutorials COMMAND ${PROJECT_SOURCE_DIR}/tests/end_to_end/check_tutorials ${PROJECT_SOURCE_DIR}
    ${PROJECT_BINARY_DIR}/bin ${PROJECT_SOURCE_DIR}/.venv/bin)
add_test(NAME release COMMAND ${PROJECT_SOURCE_DIR}/tests/end_to_end/check_release ${PROJECT_SOURCE_DIR})
add_test(NAME recipes COMMAND ${PROJECT_SOURCE_DIR}/tests/end_to_end/check_recipes ${PROJECT_SOURCE_DIR} ${CMAKE_COMMAND} ${CMAKE_MAKE_PROGRAM} ${NORMA_HALIDE_ROOT})
add_test(NAME adding_a_target COMMAND ${PROJECT_SOURCE_DIR}/tests/end_to_end/check_adding_a_target ${PROJECT_SOURCE_DIR})
set_tests_properties(adding_a_target recipes PROPERTIES DISABLED "$<BOOL:${NORMA_SANITIZED}>")

add_executable(neighbour_generator end_to_end/neighbour_generator.cpp)
target_link_libraries(neighbour_generator PRIVATE halide)
add_custom_command(OUTPUT neighbour.a COMMAND neighbour_generator ${CMAKE_CURRENT_BINARY_DIR}/neighbour DEPENDS neighbour_generator)
set(neighbour neighbour.a LINK halide_headers ${CMAKE_CURRENT_BINARY_DIR}/neighbour.a)
norma_test(neighbour_test SOURCES end_to_end/neighbour_test.cpp ${neighbour} norma)

if(NOT NORMA_SANITIZED)
    norma_test(neighbour_shared_test SOURCES end_to_end/neighbour_test.cpp ${neighbour} norma_shared)
    add_test(NAME shared_library_symbols COMMAND ${PROJECT_SOURCE_DIR}/tests/end_to_end/check_symbols ${PROJECT_BINARY_DIR}/lib/libnorma.so)
    set(consumers ${PROJECT_SOURCE_DIR}/tests/end_to_end/check_consumers ${PROJECT_SOURCE_DIR} ${CMAKE_COMMAND})
    add_test(NAME installed_consumers COMMAND ${consumers} ${CMAKE_COMMAND} --install ${PROJECT_BINARY_DIR} --component library --prefix)
    add_test(NAME installed_compiler COMMAND ${PROJECT_SOURCE_DIR}/tests/end_to_end/check_installed_compiler ${PROJECT_SOURCE_DIR}
        ${PROJECT_BINARY_DIR} ${CMAKE_COMMAND})
    add_test(NAME bundle_consumers COMMAND ${consumers} $<TARGET_FILE:normagen> bundle --shared --jobs 2 --targets host
        --manifest ${PROJECT_SOURCE_DIR}/manifests/minimal.json --cache ${NORMA_KERNELS}/cache --out)
    add_test(NAME two_libraries COMMAND ${PROJECT_SOURCE_DIR}/tests/end_to_end/check_two_libraries ${PROJECT_SOURCE_DIR}
        $<TARGET_FILE:normagen> ${CMAKE_COMMAND} ${NORMA_KERNELS}/cache)
    add_test(NAME tuning COMMAND ${PROJECT_SOURCE_DIR}/tests/end_to_end/check_tuning ${PROJECT_SOURCE_DIR} $<TARGET_FILE:normagen>
        ${NORMA_KERNELS}/cache)
    if(NORMA_ARCHITECTURE STREQUAL x86_64)
        add_test(NAME abi COMMAND ${PROJECT_SOURCE_DIR}/script/abi --check ${PROJECT_BINARY_DIR})
    endif()
    add_test(NAME model_manifests COMMAND ${PROJECT_SOURCE_DIR}/tests/end_to_end/check_models ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR} ${CMAKE_COMMAND})
endif()
