#include "preload/remember.h"

#include <atomic>
#include <cstring>
#include <initializer_list>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "core/hash.h"
#include "core/ring.h"
#include "kernel/kernel_call.h"
#include "kernel/log_attempt.h"
#include "kernel/log_file.h"
#include "preload/admission.h"
#include "preload/quiet_write.h"
#include "preload/registers.h"
#include "preload/socket_state.h"

namespace portguard::remember {
namespace {

/// What this process has told of itself. A fork inherits it with another's pid, and so tells anew.
struct Told {
    std::atomic<std::int32_t> pid{0};
    std::atomic<std::uint64_t> time_ns{0};
    std::atomic<std::uint64_t> maps_hash{0};
    /// The file is no ring, or cannot give back what is old.
    std::atomic<bool> gave_up{false};
};
constinit Told told;

/// What was loaded since then is looked for no more often: a look takes some 20 µs, and the rest of the file
/// 100.
constexpr std::uint64_t look_interval_ns = 1'000'000'000;

/// What each record begins with.
constexpr iovec mark{const_cast<char*>(ring_mark.data()), ring_mark.size()};

class RingFile {
public:
    explicit RingFile() {
        const auto user = static_cast<std::uint32_t>(kernel_call(call_geteuid));
        Text<sizeof(Config::ring)> path;
        print_ring_path(guard::config(), user, path);
        constexpr long flags = O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
        constexpr long mode = S_IRUSR | S_IWUSR;
        fd_ = log_writer::above_standard(
            kernel_call(SYS_openat, AT_FDCWD, as_argument(path.view().data()), flags, mode));
        struct stat status {};
        usable_ = fd_ >= 0 && kernel_call(call_fstat, fd_, as_argument(&status)) == 0 &&
                  S_ISREG(status.st_mode) &&
                  log_writer::distrust_of(status, user) == log_writer::Distrust::none;
        size_ = usable_ ? static_cast<std::uint64_t>(status.st_size) : 0;
    }
    RingFile(const RingFile&) = delete;
    RingFile& operator=(const RingFile&) = delete;
    ~RingFile() {
        if (fd_ >= 0) {
            kernel_call(SYS_close, fd_);
        }
    }

    [[nodiscard]] bool is_usable() const { return usable_; }
    /// A write did, which raises SIGXFSZ at a limit.
    [[nodiscard]] bool has_failed() const { return has_failed_; }

    /// It is empty, or begins as a ring does: whatever else it is, it is not ours to write to.
    [[nodiscard]] bool is_ring() const {
        std::array<char, ring_mark.size()> start{};
        return size_ == 0 || (kernel_call(SYS_pread64, fd_, as_argument(start.data()), start.size(), 0) ==
                                  long{start.size()} &&
                              start == ring_mark);
    }

    /// By one write, which no other process's comes between.
    void append(std::initializer_list<iovec> pieces) {
        has_failed_ |=
            kernel_call(SYS_writev, fd_, as_argument(pieces.begin()), static_cast<long>(pieces.size())) < 0;
    }

    /// Whoever finds the file just past a mebibyte gives back what is older than the capacity, all but the
    /// page with the first mark. False: the file system cannot.
    [[nodiscard]] bool give_back() const {
        constexpr std::uint64_t step = 1 << 20;
        constexpr std::uint64_t first_page = 4096;
        constexpr std::uint64_t just_past = 32768;
        if (size_ < ring_capacity || size_ % step >= just_past) {
            return true;
        }
        const std::uint64_t end = (size_ - ring_capacity) & ~(first_page - 1);
        return end <= first_page || call_fallocate(fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                                   first_page, end - first_page) == 0;
    }

private:
    long fd_ = -1;
    bool usable_ = false;
    bool has_failed_ = false;
    std::uint64_t size_ = 0;
};

/// As much of a file as `out` holds; the kernel gives /proc/PID/maps by the page.
std::size_t read_file(const char* path, char* out, std::size_t capacity) {
    const long fd = kernel_call(SYS_openat, AT_FDCWD, as_argument(path), O_RDONLY | O_CLOEXEC);
    std::size_t used = 0;
    long count = fd;
    while (count >= 0 && used < capacity) {
        count = kernel_call(SYS_read, fd, as_argument(out + used), static_cast<long>(capacity - used));
        if (count <= 0) {
            break;
        }
        used += static_cast<std::size_t>(count);
    }
    if (fd >= 0) {
        kernel_call(SYS_close, fd);
    }
    return used;
}

struct Scratch {
    char argv[ring_argv_capacity];
    char maps[ring_maps_capacity];
};

void append_process(RingFile& file, std::int32_t pid, std::uint64_t time_ns, Scratch& scratch) {
    RingProcess process;
    process.pid = pid;
    process.time_ns = time_ns;
    process.maps_bytes =
        static_cast<std::uint32_t>(read_file("/proc/self/maps", scratch.maps, sizeof scratch.maps));
    const std::uint64_t hash = Fnv1a().add(scratch.maps, process.maps_bytes).value();
    if (told.pid.load(std::memory_order_relaxed) == pid &&
        told.maps_hash.load(std::memory_order_relaxed) == hash) {
        return;
    }
    process.argv_bytes =
        static_cast<std::uint32_t>(read_file("/proc/self/cmdline", scratch.argv, sizeof scratch.argv));
    read_file("/proc/sys/kernel/random/boot_id", process.boot, sizeof process.boot);
    kernel_call(SYS_readlinkat, AT_FDCWD, as_argument("/proc/self/ns/pid"),
                as_argument(process.pid_namespace), sizeof process.pid_namespace - 1);
    std::memcpy(process.program, guard::program_name(), sizeof process.program);
    file.append({mark,
                 {&process, sizeof process},
                 {scratch.argv, process.argv_bytes},
                 {scratch.maps, process.maps_bytes}});
    told.maps_hash.store(hash, std::memory_order_relaxed);
    told.pid.store(pid, std::memory_order_relaxed);
}

/// Two threads may both tell: read twice, it is the same.
void tell_process(RingFile& file, std::int32_t pid, std::uint64_t now_ns) {
    const bool is_known = told.pid.load(std::memory_order_relaxed) == pid;
    if (is_known && now_ns - told.time_ns.load(std::memory_order_relaxed) < look_interval_ns) {
        return;
    }
    if (!is_known && !file.is_ring()) {
        told.gave_up.store(true, std::memory_order_relaxed);
        return;
    }
    told.time_ns.store(now_ns, std::memory_order_relaxed);
    const long mapped = kernel_call(call_mmap, 0, sizeof(Scratch), PROT_READ | PROT_WRITE,
                                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (!is_error(mapped)) {
        append_process(file, pid, now_ns, *reinterpret_cast<Scratch*>(mapped));
        kernel_call(SYS_munmap, mapped, sizeof(Scratch));
    }
}

Protocol protocol_of(int fd) {
    switch (socket_option_or(fd, SOL_SOCKET, SO_PROTOCOL, 0)) {
    case IPPROTO_TCP: return Protocol::tcp;
    case IPPROTO_UDP: return Protocol::udp;
    case IPPROTO_MPTCP: return Protocol::mptcp;
    default: return Protocol::other;
    }
}

/// Below the frame with the registers, and so below what is copied.
[[gnu::noinline]] void append(int fd, RingCall& call, const std::uint64_t* registers) {
    const socket_state::LocalAddress local = socket_state::local_address(fd);
    call.local = read_endpoint(reinterpret_cast<const sockaddr*>(&local.storage), local.length);
    call.protocol = call.local.port != 0 ? protocol_of(fd) : Protocol::other;
    read_socket_option(fd, SOL_SOCKET, SO_NETNS_COOKIE, call.network);
    // Before 5.14 networks cannot be told apart, and so neither can the holders of a port.
    if (call.protocol == Protocol::other || call.network == 0) {
        return;
    }
    call.cookie = socket_state::cookie(fd);
    call.pid = static_cast<std::int32_t>(kernel_call(SYS_getpid));
    call.tid = static_cast<std::int32_t>(kernel_call(SYS_gettid));
    call.machine = own_machine;
    call.time_ns = admission::now_ns();
    std::memcpy(call.registers, registers, sizeof call.registers);
    QuietWrite quiet;
    RingFile file;
    if (file.is_usable()) {
        tell_process(file, call.pid, call.time_ns);
    }
    if (file.is_usable() && !told.gave_up.load(std::memory_order_relaxed)) {
        // The write stops by itself where the stack ends.
        auto* const stack = reinterpret_cast<char*>(registers[stack_pointer_register]);
        file.append({mark, {&call, sizeof call}, {stack, ring_stack_capacity}});
        if (!file.give_back()) {
            told.gave_up.store(true, std::memory_order_relaxed);
        }
    }
    if (!file.has_failed()) {
        quiet.all_went_well();
    }
}

} // namespace

void keep(int fd, Call call, bool kernel_chose, const Endpoint& remote) {
    if (told.gave_up.load(std::memory_order_relaxed)) {
        return;
    }
    std::uint64_t registers[snapshot_registers] = {};
    capture_registers(registers);
    RingCall record;
    record.call = call;
    record.kernel_chose = kernel_chose;
    record.remote = remote;
    append(fd, record, registers);
    // Not a tail call: the frame that the registers are of has to last.
    asm volatile("" ::"r"(registers) : "memory");
}

} // namespace portguard::remember
