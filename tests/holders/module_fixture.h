// The module as the preloaded object uses it: dlopen, one function, one struct.
#pragma once

#include <cerrno>
#include <string>

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <ucontext.h>

#include "core/seam.h"
#include "support/private_net.h"
#include "support/sockets.h"

namespace portguard::test {

class ModuleTest : public PrivateNetTest {
protected:
    static constexpr std::uint16_t port = 10000;

    void SetUp() override {
        PrivateNetTest::SetUp();
        void* module = dlopen(PORTGUARD_MODULE, RTLD_NOW | RTLD_LOCAL);
        ASSERT_NE(module, nullptr) << dlerror();
        diagnose = reinterpret_cast<SeamFunction>(dlsym(module, seam_function));
        ASSERT_NE(diagnose, nullptr);
        written.clear();
        // Lists are long where another test fills a range: what is tested is what is found, not when.
        config.budget_ms = 10000;
    }

    /// `address` has to outlive the request.
    SeamRequest request(Phase phase, const Fd& socket, const Address& address) {
        SeamRequest made;
        made.phase = phase;
        made.facts = SocketFacts::of(Protocol::tcp);
        made.fd = socket.get();
        made.error = EADDRINUSE;
        made.address = address.get();
        made.length = address.length;
        made.config = &config;
        made.program = "victim";
        made.context = &context;
        made.real = {socket_function, close};
        made.emit = [](const char* text, std::size_t length) { written.append(text, length); };
        return made;
    }

    /// Everything that one report wrote; with the stack from here.
    std::string told(SeamRequest report) {
        written.clear();
        getcontext(&context);
        EXPECT_EQ(diagnose(&report), 0);
        return written;
    }

    static int socket_function(int domain, int type, int protocol) noexcept {
        return ::socket(domain, type, protocol);
    }

    inline static std::string written;
    SeamFunction diagnose = nullptr;
    Config config;
    ucontext_t context{};
};

} // namespace portguard::test
