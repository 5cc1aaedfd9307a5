// SPDX-License-Identifier: MIT
#include "json_text.h"

#include <algorithm>
#include <unordered_set>
#include <utility>
#include <vector>

namespace norma {

using nlohmann::json;

namespace {

constexpr size_t longest_key = 100;

// What the parser says without its own name and number, in one line.
std::string plain(const std::exception &error) {
    std::string text = error.what();
    if (size_t end = text.find("] "); text[0] == '[' && end != std::string::npos) {
        text = text.substr(end + 2);
    }
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text;
}

// Before the library sees it: it keeps a stack of what is open, and takes a zero byte for the end.
void check_text(const std::string &text, int most) {
    if (text.find('\0') != std::string::npos) {
        throw JsonSyntaxError("it has a zero byte");
    }
    int depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < text.size(); i++) {
        const char c = text[i];
        if (in_string) {
            i += c == '\\' ? 1 : 0;
            in_string = c != '"';
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            if (++depth > most) {
                throw JsonDepthError("nested more than " + std::to_string(most) + " deep");
            }
        } else if (c == ']' || c == '}') {
            depth--;
        }
    }
}

// The library's own builder looks through a whole list after each of its members, where it is to find keys twice.
class Builder : public nlohmann::json_sax<json> {
public:
    using Take = std::function<void(const std::string &, const json &)>;

    Builder(size_t most_values, const Take *take) : most_values_(most_values), take_(take) {}

    bool null() override { return add(nullptr); }
    bool boolean(bool value) override { return add(value); }
    bool number_integer(number_integer_t value) override { return add(value); }
    bool number_unsigned(number_unsigned_t value) override { return add(value); }
    bool number_float(number_float_t value, const string_t &) override { return add(value); }
    bool string(string_t &value) override { return add(std::move(value)); }
    bool binary(binary_t &) override { return false; }
    bool start_object(std::size_t) override {
        if (open_.empty() && take_ != nullptr) {
            streamed_ = true;
            open_.push_back(nullptr);
            return true;
        }
        return open(json::object());
    }
    bool start_array(std::size_t) override { return open(json::array()); }
    bool end_object() override { return close(); }
    bool end_array() override { return close(); }
    bool key(string_t &name) override {
        json *object = open_.back();
        const bool added = object == nullptr ? keys_.insert(name).second : object->emplace(name, nullptr).second;
        if (!added) {
            throw JsonKeyError(name);
        }
        key_ = std::move(name);
        return true;
    }
    bool parse_error(std::size_t, const std::string &, const nlohmann::detail::exception &error) override {
        throw JsonSyntaxError(plain(error));
    }

    bool streamed() const { return streamed_; }
    json result() { return std::move(root_); }

private:
    bool in_streamed() const { return streamed_ && open_.size() == 1; }

    json *place(json value) {
        if (++values_ > most_values_) {
            throw JsonError("has more than " + std::to_string(most_values_) + " values");
        }
        if (open_.empty() || in_streamed()) {
            root_ = std::move(value);
            return &root_;
        }
        json &parent = *open_.back();
        if (parent.is_array()) {
            parent.push_back(std::move(value));
            return &parent.back();
        }
        json &member = parent[key_];
        member = std::move(value);
        return &member;
    }

    void member_done() {
        if (in_streamed()) {
            (*take_)(member_key_, root_);
            root_ = json();
            values_ = 0;
        }
    }

    bool add(json value) {
        note_member();
        place(std::move(value));
        member_done();
        return true;
    }

    bool open(json value) {
        note_member();
        json *placed = place(std::move(value));
        open_.push_back(placed);
        return true;
    }

    bool close() {
        open_.pop_back();
        member_done();
        return true;
    }

    // Its own keys come before it is done.
    void note_member() {
        if (in_streamed()) {
            member_key_ = std::move(key_);
        }
    }

    const size_t most_values_;
    const Take *take_;
    json root_;  // or the member that is read
    std::vector<json *> open_;
    std::string key_, member_key_;
    std::unordered_set<std::string> keys_;  // of the object whose members are handed over
    size_t values_ = 0;
    bool streamed_ = false;
};

}  // namespace

JsonKeyError::JsonKeyError(const std::string &twice)
    : JsonError("key " + brief(twice, longest_key) + " is there twice in one object"), key(twice) {}

json parse_json(const std::string &text, const JsonLimits &limits) {
    check_text(text, limits.depth);
    Builder builder(limits.values, nullptr);
    json::sax_parse(text, &builder);
    return builder.result();
}

bool parse_members(const std::string &text, const JsonLimits &limits,
                   const std::function<void(const std::string &, const json &)> &take) {
    check_text(text, limits.depth);
    Builder builder(limits.values, &take);
    json::sax_parse(text, &builder);
    return builder.streamed();
}

std::string brief(const json &value, size_t longest) {
    const std::string text = value.dump(-1, ' ', /*ensure_ascii=*/true, json::error_handler_t::replace);
    return text.size() <= longest ? text : text.substr(0, longest) + "...";
}

}  // namespace norma
