// ISA-L (deflate, inflate, CRC-32) and zstd.
#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>
#include <zstd.h>

// A macro of macros that Swift does not import.
static const uint32_t ccompression_level1_memory = ISAL_DEF_LVL1_DEFAULT;
