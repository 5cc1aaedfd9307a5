// SPDX-License-Identifier: MIT
#include "plots.h"

#include <fmt/format.h>

#include <algorithm>

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

std::string plot(const std::string &title, const std::vector<std::pair<double, double>> &points,
                 const std::vector<std::string> &labels, bool line) {
    constexpr double width = 320, height = 160, left = 40, bottom = 24, top = 20;
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
        "<text x=\"2\" y=\"{4:.1f}\">1.00</text><text x=\"2\" y=\"{5:.1f}\">{6:.2f}</text><text x=\"2\" "
        "y=\"{7:.1f}\">{8:.2f}</text>",
        width, height, left, escaped(title), at_y(1), at_y(low), low, at_y(high), high);
    std::string path;
    for (const auto &[x, y] : points) {
        path += fmt::format("{:.1f},{:.1f} ", at_x(x), at_y(y));
        text += line ? "" : fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\"/>", at_x(x), at_y(y));
    }
    text += line ? fmt::format("<polyline points=\"{}\"/>", path) : "";
    for (size_t i = 0; i < labels.size(); i++) {
        text += fmt::format("<text class=\"tick\" x=\"{:.1f}\" y=\"{}\">{}</text>", at_x((double)i), height - 6,
                            escaped(labels[i]));
    }
    return text + "</svg>\n";
}

std::string bar_chart(const std::string &title, const std::vector<Bar> &bars) {
    constexpr double left = 190, longest = 390, step = 16;
    double most = 0;
    for (const Bar &bar : bars) {
        most = std::max(most, bar.value);
    }
    std::string text = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"640\" height=\"{:.0f}\" role=\"img\">"
        "<text x=\"2\" y=\"12\">{}</text>",
        step * (double)bars.size() + 24, escaped(title));
    double y = 20;
    for (const Bar &bar : bars) {
        const double width = bar.value / most * longest;
        text += fmt::format(
            "<text x=\"2\" y=\"{:.0f}\">{} {}</text><rect class=\"{}\" x=\"{}\" y=\"{:.0f}\" width=\"{:.1f}\" "
            "height=\"12\"/><text x=\"{:.1f}\" y=\"{:.0f}\">{:.1f}</text>",
            y + 10, escaped(bar.label), escaped(bar.kind), escaped(bar.kind), left, y, width, left + width + 6, y + 10,
            bar.value);
        y += step;
    }
    return text + "</svg>\n";
}

}  // namespace norma
