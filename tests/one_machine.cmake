# Tests of what is the same on any machine, which an emulator need not repeat: the sources, the tools' files and commands.
norma_test(property_test SOURCES kernels/property_test.cpp LINK ${numeric} rapidcheck)
norma_test(ptx_test SOURCES tools/ptx/bugs_test.cpp tools/ptx/copies_test.cpp tools/ptx/instruction_test.cpp tools/ptx/launch_test.cpp tools/ptx/vector_file.cpp LINK norma_ptx)
norma_test(safetensors_test SOURCES tools/safetensors/safetensors_test.cpp LINK norma_safetensors)
norma_test(cli_test SOURCES tools/norma/cli_test.cpp tools/norma/cli_backward_test.cpp tools/norma/cli_quality_test.cpp tools/norma/cli_quantized_test.cpp
    tools/norma/commands_test.cpp LINK ${numeric} norma_safetensors)
add_dependencies(cli_test norma_tool)

add_test(NAME algorithms_name_no_hardware COMMAND ${PROJECT_SOURCE_DIR}/tests/end_to_end/check_algorithms ${PROJECT_SOURCE_DIR})
add_test(NAME docs_name_what_is_there COMMAND ${PROJECT_SOURCE_DIR}/tests/end_to_end/check_docs ${PROJECT_SOURCE_DIR})
add_test(NAME figures_are_of_results COMMAND ${PROJECT_SOURCE_DIR}/tests/end_to_end/check_figures ${PROJECT_SOURCE_DIR})
add_test(NAME gpu_results COMMAND ${PROJECT_SOURCE_DIR}/tests/end_to_end/check_gpu_results ${PROJECT_SOURCE_DIR})
add_test(NAME include_order COMMAND ${PROJECT_SOURCE_DIR}/tests/end_to_end/check_include_order ${PROJECT_SOURCE_DIR})
add_test(NAME include_order_refuses COMMAND ${PROJECT_SOURCE_DIR}/tests/end_to_end/check_include_order_refuses ${PROJECT_SOURCE_DIR})
add_test(NAME spdx COMMAND ${PROJECT_SOURCE_DIR}/tests/end_to_end/check_spdx ${PROJECT_SOURCE_DIR})
add_test(NAME refused_builds COMMAND ${PROJECT_SOURCE_DIR}/tests/end_to_end/check_refused_builds ${PROJECT_SOURCE_DIR} ${CMAKE_COMMAND})
