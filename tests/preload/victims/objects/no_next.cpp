// An object whose dlsym finds nothing, as where RTLD_NEXT comes to its end (cef#4066).
extern "C" void* dlsym(void* /*handle*/, const char* /*name*/) noexcept {
    return nullptr;
}
