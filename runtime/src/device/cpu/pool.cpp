// SPDX-License-Identifier: MIT
#include "pool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include "runtime/kernel_host/integers.h"
#include "runtime/kernel_host/lock.h"

namespace norma {
namespace {

// On its caller's stack.
struct Loop {
    norma_task task;
    void *task_data;
    int64_t count;
    int64_t taken, done;  // tasks
    Loop *next;
    pthread_cond_t all_done;
};

// All of it, and of the loops, is under the mutex.
struct Pool {
    pthread_mutex_t mutex;
    pthread_cond_t work;  // a loop came, or the end
    Loop *first;          // loops with tasks to take. Latest first: others may wait for those of a nested one
    int64_t untaken;      // tasks of these loops
    int32_t threads;
    int32_t busy, asleep;  // of the threads
    bool ending;
    pthread_t handles[max_pool_threads - 1];
};

constexpr int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS};

constexpr pthread_cond_t no_waiters = PTHREAD_COND_INITIALIZER;

Pool pool = {PTHREAD_MUTEX_INITIALIZER, no_waiters, nullptr, 0, 0, 0, 0, false, {}};

void add(Loop &loop) {
    loop.next = pool.first;
    pool.first = &loop;
    pool.untaken += loop.count;
}

void remove(const Loop &loop) {
    Loop **link = &pool.first;
    while (*link != &loop) {
        link = &(*link)->next;
    }
    *link = loop.next;
}

constexpr int most_yields = 40;  // without them, runs of 10 to 200 us take 5 % longer

// Under the lock, which it gives up meanwhile. To be woken takes longer than what is waited for often does, so a thread
// sleeps only after it has looked a few times.
template <typename Ready>
void wait_until(const Ready &ready, pthread_cond_t &condition, int32_t &asleep) {
    for (int i = 0; i < most_yields && !ready(); i++) {
        pthread_mutex_unlock(&pool.mutex);
        sched_yield();
        pthread_mutex_lock(&pool.mutex);
    }
    while (!ready()) {
        asleep++;
        pthread_cond_wait(&condition, &pool.mutex);
        asleep--;
    }
}

// Without the lock while the task runs.
void run_task(Loop &loop) {
    const int64_t index = loop.taken++;
    pool.untaken--;
    if (loop.taken == loop.count) {
        remove(loop);
    }
    pthread_mutex_unlock(&pool.mutex);
    loop.task(loop.task_data, index);
    pthread_mutex_lock(&pool.mutex);
    if (++loop.done == loop.count) {
        pthread_cond_signal(&loop.all_done);  // under the lock: without it, the loop may be gone
    }
}

void *work(void *) {
    const Lock lock(pool.mutex);
    while (!pool.ending) {
        if (pool.first) {
            pool.busy++;
            run_task(*pool.first);
            pool.busy--;
        }
        wait_until([] { return pool.first || pool.ending; }, pool.work, pool.asleep);
    }
    return nullptr;
}

// At most so many, and enough for the tasks that nobody has taken, of which the caller takes one. Where the system
// gives no more threads, those that are there, the callers among them, do it all.
void make_threads(int32_t most) {
    const auto enough = [&] { return pool.threads >= most || pool.threads - pool.busy >= pool.untaken - 1; };
    if (pool.ending || enough()) {
        return;
    }
    // Signals are for threads of the application's own, but for faults, which a thread raises itself.
    sigset_t blocked, callers;
    sigfillset(&blocked);
    for (int fault : faults) {
        sigdelset(&blocked, fault);
    }
    pthread_sigmask(SIG_SETMASK, &blocked, &callers);
    while (!enough() && pthread_create(&pool.handles[pool.threads], nullptr, work, nullptr) == 0) {
        pool.threads++;
    }
    pthread_sigmask(SIG_SETMASK, &callers, nullptr);
}

}  // namespace

// A caller takes tasks of its own loop alone, then waits for those that others took: they run, so none waits in vain.
int pool_parallel_for(void *, int64_t count, norma_task task, void *task_data) {
    Loop loop = {task, task_data, count, 0, 0, nullptr, no_waiters};
    const int32_t most = norma_get_num_threads() - 1;
    int64_t wanted = 0;
    {
        const Lock lock(pool.mutex);
        add(loop);
        make_threads(most);
        wanted = smaller(pool.asleep, count - 1);
    }
    for (; wanted > 0; wanted--) {  // without the lock, which they wake up to take
        pthread_cond_signal(&pool.work);
    }
    const Lock lock(pool.mutex);
    while (loop.taken < count) {
        run_task(loop);
    }
    int32_t asleep = 0;
    wait_until([&] { return loop.done == count; }, loop.all_done, asleep);
    return 0;
}

void shut_down_pool() {
    int32_t threads = 0;
    {
        const Lock lock(pool.mutex);
        if (pool.ending) {  // by another thread
            return;
        }
        pool.ending = true;
        threads = pool.threads;
        pthread_cond_broadcast(&pool.work);
    }
    for (int32_t i = 0; i < threads; i++) {
        pthread_join(pool.handles[i], nullptr);
    }
    const Lock lock(pool.mutex);
    pool.threads = 0;
    pool.ending = false;
}

void hold_pool() { pthread_mutex_lock(&pool.mutex); }

void release_pool() { pthread_mutex_unlock(&pool.mutex); }

void empty_pool() {
    pool.first = nullptr;
    pool.untaken = 0;
    pool.threads = pool.busy = pool.asleep = 0;
    pool.ending = false;
    pool.work = no_waiters;  // of which it knew some
    release_pool();
}

}  // namespace norma
