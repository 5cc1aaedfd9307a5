// SPDX-License-Identifier: MIT
#include "plots.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace norma {

std::string escaped(const std::string &text) {
    std::string safe;
    for (char c : text) {
        const bool control = c != '\n' && (static_cast<unsigned char>(c) < ' ' || static_cast<unsigned char>(c) > '~');
        safe += c == '&'   ? "&amp;"
                : c == '<' ? "&lt;"
                : c == '>' ? "&gt;"
                : c == '"' ? "&quot;"
                : control  ? "?"
                           : std::string(1, c);
    }
    return safe;
}

std::string plot(const std::string &title, const std::string &x_title,
                 const std::vector<std::pair<double, double>> &points, const std::vector<std::string> &labels,
                 bool line) {
    constexpr double width = 320, height = 190, left = 58, bottom = 42, top = 20;
    double low = 1, high = 1, last = std::max(1.0, (double)labels.size() - 1);
    for (const auto &[x, y] : points) {
        low = std::min(low, y);
        high = std::max(high, std::min(y, 3.0));
        last = std::max(last, x);
    }
    high += 0.02;
    low -= 0.02;
    auto at_x = [&](double x) { return left + 24 + x / last * (width - left - 48); };
    auto at_y = [&](double y) { return top + (high - std::min(y, high)) / (high - low) * (height - top - bottom); };
    std::string text = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" role=\"img\">"
        "<text x=\"{2}\" y=\"12\">{3}</text><line class=\"one\" x1=\"{2}\" x2=\"{0}\" y1=\"{4:.1f}\" y2=\"{4:.1f}\"/>"
        "<text class=\"tick\" x=\"{5:.1f}\" y=\"{6}\">{7}</text>"
        "<text class=\"tick\" transform=\"translate(12 {8:.1f}) rotate(-90)\">time / default's</text>",
        width, height, left, escaped(title), at_y(1), (left + width) / 2, height - 6, escaped(x_title),
        (top + height - bottom) / 2);
    // Numbers that would lie on each other are left out.
    for (const double value : {1.0, low, high}) {
        if (value == 1.0 || std::fabs(at_y(value) - at_y(1)) > 12) {
            text += fmt::format("<text x=\"22\" y=\"{:.1f}\">{:.2f}</text>", at_y(value) + 4, value);
        }
    }
    std::string path;
    for (const auto &[x, y] : points) {
        path += fmt::format("{:.1f},{:.1f} ", at_x(x), at_y(y));
        text += line ? "" : fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\"/>", at_x(x), at_y(y));
    }
    text += line ? fmt::format("<polyline points=\"{}\"/>", path) : "";
    for (size_t i = 0; i < labels.size(); i++) {
        text += fmt::format("<text class=\"tick\" x=\"{:.1f}\" y=\"{}\">{}</text>", at_x((double)i), height - 24,
                            escaped(labels[i]));
    }
    return text + "</svg>\n";
}

std::string bar_chart(const std::string &axis, const std::vector<Bar> &bars, double mark) {
    constexpr double left = 210, longest = 370, step = 16;
    double most = mark;
    for (const Bar &bar : bars) {
        most = std::max(most, bar.value);
    }
    const double height = step * (double)bars.size() + 28;
    std::string text = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"640\" height=\"{:.0f}\" role=\"img\">"
        "<text x=\"{}\" y=\"{:.0f}\">{}</text>",
        height, left, height - 6, escaped(axis));
    double y = 4;
    for (const Bar &bar : bars) {
        const double width = bar.value / most * longest;
        text += fmt::format(
            "<text x=\"2\" y=\"{:.0f}\">{} {}</text><rect class=\"{}\" x=\"{}\" y=\"{:.0f}\" width=\"{:.1f}\" "
            "height=\"12\"/><text x=\"{:.1f}\" y=\"{:.0f}\">{:.{}f}</text>",
            y + 10, escaped(bar.label), escaped(bar.kind), escaped(bar.kind), left, y, width, left + width + 6, y + 10,
            bar.value, bar.value < 10 ? 2 : 1);
        y += step;
    }
    if (mark != 0) {
        const double x = left + mark / most * longest;
        text += fmt::format("<line class=\"one\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"0\" y2=\"{1:.0f}\"/>", x, y);
    }
    return text + "</svg>\n";
}

}  // namespace norma
