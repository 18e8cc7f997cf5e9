/* For the link under a glibc before 2.34, in whose libc.so.6 there is no dlsym (real.cpp): the names that
   libportguard.so asks for, by its libc's name and in the versions of old_libc.map. Nothing of it is called
   or installed. */
char** environ;
extern char** __environ __attribute__((alias("environ")));
char* __progname;
extern char* program_invocation_short_name __attribute__((alias("__progname")));
void* dlsym(void) {
    return 0;
}
void* __errno_location(void) {
    return 0;
}
void* getauxval(void) {
    return 0;
}
void* clock_gettime(void) {
    return 0;
}
