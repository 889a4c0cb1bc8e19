#ifndef CPREFETCH_H
#define CPREFETCH_H

// Asks for a cache line that will be written soon. Any address may be given: nothing is read from it.
static inline void cpf_prefetch_for_write(const void *address) { __builtin_prefetch(address, 1); }

#endif
