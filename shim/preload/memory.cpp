// The functions of memory that compilers call by themselves: libc's are chosen by processor, so that each
// exec would look up five names, and run a resolver for each. Nothing here is long enough to gain by those.
#include <cstddef>

// Or the compiler takes each loop for what it defines, and calls that.
#if defined(__clang__)
#define IS_NO_CALL [[clang::no_builtin]]
#else
#define IS_NO_CALL [[gnu::optimize("no-tree-loop-distribute-patterns")]]
#endif

extern "C" {

#pragma GCC visibility push(hidden)

IS_NO_CALL void* memcpy(void* to, const void* from, std::size_t length) noexcept {
    auto* out = static_cast<unsigned char*>(to);
    const auto* in = static_cast<const unsigned char*>(from);
    while (length-- != 0) {
        *out++ = *in++;
    }
    return to;
}

IS_NO_CALL void* memmove(void* to, const void* from, std::size_t length) noexcept {
    auto* const out = static_cast<unsigned char*>(to);
    const auto* const in = static_cast<const unsigned char*>(from);
    if (out <= in) {
        return memcpy(to, from, length);
    }
    while (length-- != 0) {
        out[length] = in[length];
    }
    return to;
}

IS_NO_CALL void* memset(void* to, int byte, std::size_t length) noexcept {
    auto* const out = static_cast<unsigned char*>(to);
    while (length-- != 0) {
        out[length] = static_cast<unsigned char>(byte);
    }
    return to;
}

IS_NO_CALL int memcmp(const void* left, const void* right, std::size_t length) noexcept {
    const auto* one = static_cast<const unsigned char*>(left);
    const auto* other = static_cast<const unsigned char*>(right);
    for (; length != 0; --length, ++one, ++other) {
        if (*one != *other) {
            return *one < *other ? -1 : 1;
        }
    }
    return 0;
}

IS_NO_CALL void* memchr(const void* text, int character, std::size_t length) noexcept {
    const auto* byte = static_cast<const unsigned char*>(text);
    for (; length != 0; --length, ++byte) {
        if (*byte == static_cast<unsigned char>(character)) {
            return const_cast<unsigned char*>(byte);
        }
    }
    return nullptr;
}

IS_NO_CALL std::size_t strlen(const char* text) noexcept {
    std::size_t length = 0;
    while (text[length] != '\0') {
        ++length;
    }
    return length;
}

#pragma GCC visibility pop

} // extern "C"
