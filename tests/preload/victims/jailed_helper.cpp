// A file under the name of portguard-explain that must not run: it leaves a mark beside itself where it did.
#include <climits>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <unistd.h>

int main() {
    char path[PATH_MAX];
    const ssize_t length = ::readlink("/proc/self/exe", path, sizeof path);
    std::string mark(path, length > 0 ? static_cast<std::size_t>(length) : 0);
    mark.replace(mark.rfind('/') + 1, std::string::npos, "executed");
    ::close(::open(mark.c_str(), O_WRONLY | O_CREAT, 0600));
    return 0;
}
