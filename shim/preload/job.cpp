#include "preload/job.h"

#include "preload/socket_state.h"

namespace portguard {

Endpoint asked_endpoint(const Job& job) {
    const Occurrence& occurrence = job.occurrence;
    if (occurrence.address != nullptr) {
        return read_endpoint(occurrence.address, occurrence.length);
    }
    const socket_state::LocalAddress local = socket_state::local_address(job.socket);
    return read_endpoint(reinterpret_cast<const sockaddr*>(&local.storage), local.length);
}

} // namespace portguard
