#include "tools/supervise/receivers.h"

namespace portguard::tools {

void Receivers::begin() {
    pthread_mutex_lock(&mutex_);
    if (waiting_ >= most_waiting) {
        while (waiting_ > 0) {
            pthread_cond_wait(&none_waits_, &mutex_);
        }
    }
    ++waiting_;
    pthread_mutex_unlock(&mutex_);
}

void Receivers::end() {
    pthread_mutex_lock(&mutex_);
    if (--waiting_ == 0) {
        pthread_cond_signal(&none_waits_);
    }
    pthread_mutex_unlock(&mutex_);
}

} // namespace portguard::tools
