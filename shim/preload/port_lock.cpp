#include "preload/port_lock.h"

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <ctime>

#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "core/text.h"
#include "kernel/judged_call.h"
#include "kernel/kernel_call.h"

namespace portguard {

PortLock::PortLock(std::uint16_t port, int tries) {
    Text<32> name;
    name.add('\0').add("portguard-cure-").add_number(port);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.view().data(), name.view().size());
    const auto length = static_cast<long>(offsetof(sockaddr_un, sun_path) + name.view().size());

    fd_ = static_cast<int>(kernel_call(SYS_socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const auto lock = [&] { return judged_call(SYS_bind, fd_, as_argument(&address), length); };
    long result = fd_ >= 0 ? lock() : 0;
    while (result == -EADDRINUSE && --tries > 0) {
        const timespec turn{0, 1'000'000};
        kernel_call(SYS_nanosleep, as_argument(&turn), 0);
        result = lock();
    }
    if (result != 0) {
        kernel_call(SYS_close, fd_);
        fd_ = -1;
        taken_ = result == -EADDRINUSE;
    }
}

PortLock::~PortLock() {
    if (fd_ >= 0) {
        kernel_call(SYS_close, fd_);
    }
}

} // namespace portguard
