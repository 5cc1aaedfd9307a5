// SPDX-License-Identifier: MIT
// libfmt, compiled here once: as headers alone it costs each file that formats seconds, and of the library Debian has
// no archive for programs that run where there is none, and none for cross compilers.
#include <fmt/format-inl.h>

FMT_BEGIN_NAMESPACE
namespace detail {

template dragonbox::decimal_fp<float> dragonbox::to_decimal(float x) noexcept;
template dragonbox::decimal_fp<double> dragonbox::to_decimal(double x) noexcept;
template thousands_sep_result<char> thousands_sep_impl(locale_ref);
template char decimal_point_impl(locale_ref);
template void buffer<char>::append(const char *, const char *);

}  // namespace detail
FMT_END_NAMESPACE
