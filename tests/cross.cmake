# Tests of a library for another architecture than this machine's.
get_filename_component(host_build ${NORMA_NORMAGEN}/../.. ABSOLUTE)
foreach(target aarch64 aarch64-fp16)
    add_test(NAME same_bits_${target} COMMAND ${PROJECT_SOURCE_DIR}/tests/end_to_end/check_same_bits
        ${target} ${run} $<TARGET_FILE:bits> -- x86-64-v3 ${host_build}/tests/bits)
endforeach()

add_test(NAME bundle_cross COMMAND ${PROJECT_SOURCE_DIR}/tests/end_to_end/check_cross_bundle
    ${PROJECT_SOURCE_DIR} ${NORMA_NORMAGEN} ${CMAKE_TOOLCHAIN_FILE} ${CMAKE_C_COMPILER} ${run})

# On a CPU without half precision: the dispatcher leaves its kernels alone, and the others use no instruction of it.
set(old_cpu qemu-aarch64 -L /usr/aarch64-linux-gnu -cpu cortex-a53)
add_test(NAME old_cpu_runs_baseline COMMAND ${old_cpu} $<TARGET_FILE:every_kernel_test> "every kernel: each short row")
add_test(NAME old_cpu_chooses_baseline COMMAND ${old_cpu} $<TARGET_FILE:norma_tool> info)
set_tests_properties(old_cpu_chooses_baseline PROPERTIES PASS_REGULAR_EXPRESSION "target +aarch64 +[0-9]+ kernels +chosen")
