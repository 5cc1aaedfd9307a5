// SPDX-License-Identifier: MIT
// PTX is edited only where it is as expected, and what ptxas says is read and judged.
#include "generators/codegen/cuda_figures.h"
#include "generators/codegen/cuda_hints.h"

#include <stdexcept>
#include <string>

#include "tests/support/catch.h"

using namespace norma;

namespace {

const char ptx[] = R"(.version 7.0
.target sm_80
.visible .entry kernel(
	.param .u64 kernel_param_0
)
{
	ld.global.nc.v4.b32 	{%r1, %r2, %r3, %r4}, [%rd1];
	@%p1 bra 	$L__BB0_2;
	shfl.sync.bfly.b32 	%r5, %r1, 16, 31, -1;
	st.global.v2.b64 	[%rd2], {%rd3, %rd4};
	st.global.b32 	[%rd2], %r5;
	ret;
}
)";

std::string verbose(int stack, int spills, int registers) {
    return "ptxas info    : 0 bytes gmem\n    " + std::to_string(stack) + " bytes stack frame, " +
           std::to_string(spills) + " bytes spill stores, " + std::to_string(spills) +
           " bytes spill loads\nptxas info    : Used " + std::to_string(registers) + " registers, used 2 barriers\n";
}

}  // namespace

TEST_CASE("the PTX of a kernel is told its block and loads coherently") {
    const std::string text = finish_ptx(ptx, 256);
    CHECK(text.find("\n)\n.maxntid 256, 1, 1\n{") != std::string::npos);
    CHECK(text.find("ld.global.v4.b32") != std::string::npos);
    CHECK(text.find(".nc.") == std::string::npos);
}

TEST_CASE("PTX that is not one kernel as expected is refused") {
    const std::string two = std::string(ptx) + ptx;
    CHECK_THROWS_AS(finish_ptx(two, 256), std::logic_error);
    std::string plain = ptx;
    plain.erase(plain.find(".nc"), 3);
    CHECK_THROWS_AS(finish_ptx(plain, 256), std::logic_error);
}

TEST_CASE("loads of rows leave the first-level cache to the weights") {
    const std::string text = keep_rows_out_of_l1(R"(.version 7.1
	mov.u32 	%r1, %ctaid.x;
	mov.u32 	%r2, %tid.x;
	mul.wide.u32 	%rd3, %r1, 4096;
	add.s64 	%rd4, %rd1, %rd3;
	mul.wide.u32 	%rd5, %r2, 16;
	add.s64 	%rd6, %rd2, %rd5;
	add.s64 	%rd7, %rd4, %rd5;
	ld.global.v4.b32 	{%r3, %r4, %r5, %r6}, [%rd7+512];
	ld.global.v4.b32 	{%r7, %r8, %r9, %r10}, [%rd6];
	@%p1 ld.global.b32 	%r11, [%rd4];
	add.s32 	%r12, %r3, %r2;
	mul.wide.u32 	%rd8, %r12, 4;
	ld.global.b32 	%r13, [%rd8];
)");
    CHECK(text.find(".version 7.4\n") == 0);
    CHECK(text.find("ld.global.L1::no_allocate.v4.b32 	{%r3,") != std::string::npos);
    CHECK(text.find("ld.global.v4.b32 	{%r7,") != std::string::npos);
    CHECK(text.find("ld.global.L1::no_allocate.b32 	%r11,") != std::string::npos);
    CHECK(text.find("ld.global.b32 	%r13,") != std::string::npos);  // what memory holds is no row
    CHECK_THROWS_AS(keep_rows_out_of_l1(ptx), std::logic_error);
}

TEST_CASE("a call that stands for the rounding of two numbers to bf16 becomes the instruction") {
    std::string text = ptx;
    text.insert(text.find(".visible"),
                ".extern .func  (.param .b32 func_retval0) norma_bfloat_pair\n(\n"
                "\t.param .b32 norma_bfloat_pair_param_0,\n\t.param .b32 norma_bfloat_pair_param_1\n)\n;\n");
    const std::string call =
        "\t{ // callseq 0, 0\n\t.param .b32 \tparam0;\n\tst.param.b32 \t[param0], %r1;\n\t.param .b32 \tparam1;\n"
        "\tst.param.b32 \t[param1], 0f00000000;\n\t.param .b32 \tretval0;\n"
        "\tcall.uni (retval0), norma_bfloat_pair, (param0, param1);\n\tld.param.b32 \t%r3, [retval0];\n"
        "\t} // callseq 0\n";
    CHECK_THROWS_AS(finish_ptx(text, 256), std::logic_error);  // declared and never called
    text.insert(text.find("\tret;"), call + call);
    text = finish_ptx(text, 256);
    const std::string instruction = "\tcvt.rn.bf16x2.f32 \t%r3, 0f00000000, %r1;\n";
    CHECK(text.find(instruction + instruction) != std::string::npos);
    CHECK(text.find("norma_bfloat_pair") == std::string::npos);
    CHECK(text.find("callseq") == std::string::npos);
}

TEST_CASE("what is loaded only to be stored in shared memory is copied without waiting") {
    const std::string text = copy_without_waiting(R"(
	ld.global.nc.v4.b32 	{%r1, %r2, %r3, %r4}, [%rd1+4096];
	ld.global.b32 	%r5, [%rd2];
	ld.global.b32 	%r6, [%rd3];
	st.shared.v4.b32 	[%rd4+64], {%r1, %r2, %r3, %r4};
	st.shared.b32 	[%rd5], %r5;
	add.s32 	%r7, %r6, 1;
	st.shared.b32 	[%rd6], %r7;
)");
    CHECK(text == R"(


	ld.global.b32 	%r6, [%rd3];
	cp.async.cg.shared.global 	[%rd4+64], [%rd1+4096], 16;
	cp.async.ca.shared.global 	[%rd5], [%rd2], 4;
	add.s32 	%r7, %r6, 1;
	st.shared.b32 	[%rd6], %r7;
)");
}

TEST_CASE("a kernel's accesses, shuffles, barriers and instructions are counted") {
    const CodeFigures figures = ptx_figures(ptx);
    CHECK(figures.wide_loads == 1);
    CHECK(figures.wide_stores == 1);
    CHECK(figures.shuffles == 1);
    CHECK(figures.barriers == 0);
    CHECK(figures.instructions == 6);
    CHECK(ptx_figures("cp.async.cg.shared.global [%r1], [%rd1], 16;").wide_loads == 1);
    CHECK(ptx_figures("cp.async.ca.shared.global.L2::128B [%r1+32], [%rd1+16], 16;").wide_loads == 1);
    CHECK(ptx_figures("cp.async.ca.shared.global [%r1+16], [%rd1+16], 8;").wide_loads == 0);
}

TEST_CASE("and in what a disassembler lists") {
    const CodeFigures figures = sass_figures(R"(
.text.kernel:
        /*0000*/                   LDG.E.128 R4, desc[UR4][R2.64] ;
        /*0010*/              @!P0 LDG.E.128.CONSTANT R8, [R2.64] ;
        /*0020*/                   LDG.E R12, [R2.64] ;
        /*0030*/              @UP1 STG.E.128 [R2.64], R4 ;
        /*0040*/                   BAR.SYNC.DEFER_BLOCKING 0x0 ;
        /*0050*/                   SHFL.BFLY PT, R3, R2, 0x10, 0x1f ;
        /*0060*/                   EXIT ;
.L_x_1:
        /*0070*/                   BRA `(.L_x_1);
        /*0080*/                   NOP;
        /*0090*/                   LDGSTS.E.BYPASS.LTC128B.128 [R5+0x10], desc[UR4][R2.64+0x10] ;
        /*00a0*/                   LDGSTS.E.LTC128B.64 [R5+0x30], desc[UR4][R2.64+0x30] ;
)");
    CHECK(figures.instructions == 10);
    CHECK(figures.wide_loads == 3);
    CHECK(figures.wide_stores == 1);
    CHECK(figures.barriers == 1);
    CHECK(figures.shuffles == 1);
}

TEST_CASE("occupancy follows from registers, threads, shared memory and the SM") {
    const auto of = [](int sm, int registers, int threads, int shared) {
        return occupancy({sm, registers, 0}, threads, shared);
    };
    CHECK(of(80, 32, 256, 0) == 1);
    CHECK(of(80, 33, 256, 0) == 0.75);            // 40 are given out: 48 warps' worth, 6 blocks of 8
    CHECK(of(80, 32, 320, 40) == 1920.0 / 2048);  // 6 blocks of 10 warps
    CHECK(of(80, 32, 32, 0) == 0.5);              // 32 blocks
    CHECK(of(86, 32, 32, 0) == 1.0 / 3);          // 16 blocks of 1536 threads
    CHECK(of(90, 64, 1024, 0) == 0.5);
    CHECK(of(90, 32, 256, 100 << 10) == 0.25);  // 2 blocks of 101 KB in 228
    CHECK_THROWS_WITH(of(75, 32, 256, 0), Catch::Matchers::Contains("sm is 75; expected 80, 86"));
}

TEST_CASE("what ptxas says of a kernel is read") {
    const CudaResources resources = parse_ptxas(verbose(0, 8, 40), 90);
    CHECK(resources.sm == 90);
    CHECK(resources.registers == 40);
    CHECK(resources.spill_bytes == 16);
    CHECK_THROWS_AS(parse_ptxas("ptxas info: nothing", 90), std::runtime_error);
}

TEST_CASE("a kernel that spills or cannot launch is refused") {
    CHECK(excess(parse_ptxas(verbose(0, 0, 64), 80), 1024).empty());
    CHECK(excess(parse_ptxas(verbose(0, 0, 65), 80), 1024).find("65 registers") == 0);
    CHECK(excess(parse_ptxas(verbose(0, 4, 40), 80), 256).find("8 bytes") == 0);
    CHECK(excess(parse_ptxas(verbose(16, 0, 40), 80), 256).find("16 bytes") == 0);
}
