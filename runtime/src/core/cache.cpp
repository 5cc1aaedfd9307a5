// SPDX-License-Identifier: MIT
// norma_run: plans kept in a list, most recently used first.
#include "cache.h"

#include <stdlib.h>

#include "errors.h"
#include "runtime/kernel_host/cpu/scratch.h"
#include "runtime/kernel_host/lock.h"
#include "runtime/src/device/cpu/pool.h"
#include "runtime/src/device/device.h"
#include "work.h"

namespace norma {
namespace {

struct Entry {
    norma_plan *plan;
    Entry *next;
    int64_t users;
    bool listed;
};

struct Cache {
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    Entry *first = nullptr;
    int32_t capacity = 64;
};

Cache cache;

void destroy(Entry *entry) {
    norma_plan_destroy(entry->plan);
    free(entry);
}

// Entries in use are destroyed by their last user. Under the lock.
void cut_after(int32_t kept) {
    Entry **link = &cache.first;
    for (; *link && kept > 0; kept--) {
        link = &(*link)->next;
    }
    Entry *entry = *link;
    *link = nullptr;
    while (entry) {
        Entry *next = entry->next;
        entry->listed = false;
        if (entry->users == 0) {
            destroy(entry);
        }
        entry = next;
    }
}

Entry *find(const norma_plan_desc &desc) {
    for (Entry **link = &cache.first; *link; link = &(*link)->next) {
        Entry *entry = *link;
        if (same_variant(entry->plan->desc, desc)) {
            *link = entry->next;
            entry->next = cache.first;
            cache.first = entry;
            entry->users++;
            return entry;
        }
    }
    return nullptr;
}

norma_status acquire(const norma_plan_desc &desc, Entry **result) {
    {
        Lock lock(cache.mutex);
        *result = find(desc);
    }
    if (*result) {
        return NORMA_OK;
    }
    norma_plan *plan = nullptr;
    const norma_status status = create_plan(desc, &plan);
    if (status != NORMA_OK) {
        return status;
    }
    Entry *entry = static_cast<Entry *>(calloc(1, sizeof(Entry)));
    if (!entry) {
        norma_plan_destroy(plan);
        return fail(NORMA_OUT_OF_MEMORY, "no memory for a plan");
    }
    Lock lock(cache.mutex);
    *result = find(desc);
    if (*result) {  // another thread was faster
        entry->plan = plan;
        destroy(entry);
        return NORMA_OK;
    }
    *entry = {plan, cache.first, 1, true};
    cache.first = entry;
    cut_after(cache.capacity);
    *result = entry;
    return NORMA_OK;
}

void release(Entry *entry) {
    Lock lock(cache.mutex);
    if (--entry->users == 0 && !entry->listed) {
        destroy(entry);
    }
}

bool has_rows(const norma_arguments *arguments, int64_t *rows) {
    return arguments && arguments->size >= sizeof(norma_arguments) && count_rows(arguments->x, rows) == NORMA_OK;
}

norma_status run_with_workspace(const norma_plan *plan, const norma_arguments *arguments,
                                const norma_execution *execution) {
    const bool usable =
        !execution || (execution->size >= sizeof(norma_execution) && execution->threads >= 0 && !execution->workspace);
    int64_t rows = 0;
    if (!needs_workspace(*plan) || !plan->device->host_memory || !usable || !has_rows(arguments, &rows)) {
        return norma_plan_run(plan, arguments, execution);
    }
    norma_execution own = {};
    if (execution) {
        own = *execution;
    }
    own.size = sizeof(norma_execution);
    const norma_status status = norma_plan_workspace_size(plan, rows, own.threads, &own.workspace_size);
    if (status != NORMA_OK) {
        return status;
    }
    own.workspace = allocate_scratch(own.workspace_size);
    if (!own.workspace) {
        return fail(NORMA_OUT_OF_MEMORY, "no memory for a workspace of %zu bytes", own.workspace_size);
    }
    const norma_status result = norma_plan_run(plan, arguments, &own);
    free_scratch(own.workspace);
    return result;
}

}  // namespace

void hold_cache() { pthread_mutex_lock(&cache.mutex); }

void release_cache() { pthread_mutex_unlock(&cache.mutex); }

}  // namespace norma

norma_status norma_run(const norma_plan_desc *desc, const norma_arguments *arguments,
                       const norma_execution *execution) {
    norma_plan_desc normalized;
    norma::Entry *entry = nullptr;
    norma_status status = norma::normalize(desc, &normalized);
    status = status ? status : norma::acquire(normalized, &entry);
    if (status == NORMA_OK) {
        status = norma::run_with_workspace(entry->plan, arguments, execution);
        norma::release(entry);
    }
    return status;
}

void norma_plan_cache_clear(void) {
    norma::Lock lock(norma::cache.mutex);
    norma::cut_after(0);
}

norma_status norma_plan_cache_set_capacity(int32_t plans) {
    if (plans < 0) {
        return norma::fail(NORMA_INVALID_ARGUMENT, "plans is %d; expected 0 or more", plans);
    }
    norma::Lock lock(norma::cache.mutex);
    norma::cache.capacity = plans;
    norma::cut_after(plans);
    return NORMA_OK;
}

void norma_shutdown(void) {
    norma_plan_cache_clear();
    norma::shut_down_pool();
}
