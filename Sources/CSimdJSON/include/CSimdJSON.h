// JSON text as a flat list of tokens, found and validated with simdjson's structural index.
//
// The list is complete and checked: UTF-8, escapes, numbers, commas and nesting, in parts that nobody reads too, so a
// slice of it can be embedded elsewhere as JSON. Numbers stay text: nothing is rounded that nobody asked for.
#ifndef CSIMDJSON_H
#define CSIMDJSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum csj_kind {
  CSJ_OBJECT = 1,
  CSJ_ARRAY = 2,
  CSJ_STRING = 3,
  CSJ_NUMBER = 4,
  CSJ_TRUE = 5,
  CSJ_FALSE = 6,
  CSJ_NULL = 7,
} csj_kind;

// One value or object key, 16 bytes. An object's children are keys and values in turn.
typedef struct csj_token {
  uint32_t offset;      // first byte in the text; for strings, the byte after the opening quote
  uint32_t count;       // bytes; for strings, what stands between the quotes
  uint32_t next;        // index of the first token after this value and all within it
  uint8_t kind;         // csj_kind
  uint8_t has_escapes;  // strings only: the text holds a backslash
  uint16_t reserved;
} csj_token;

typedef enum csj_status {
  CSJ_OK = 0,
  CSJ_EMPTY,             // nothing but white space
  CSJ_INVALID_UTF8,
  CSJ_UNCLOSED_STRING,
  CSJ_CONTROL_CHARACTER, // an unescaped control character in a string
  CSJ_BAD_ESCAPE,
  CSJ_BAD_NUMBER,
  CSJ_BAD_LITERAL,       // neither true, false, null nor anything else known
  CSJ_UNEXPECTED,        // a value, comma, colon or bracket where another thing must stand
  CSJ_UNCLOSED,          // the text ends within an object or array
  CSJ_TRAILING,          // more text after the value
  CSJ_TOO_DEEP,
  CSJ_NO_MEMORY,
} csj_status;

typedef struct csj_parser csj_parser;

// Null when memory ran out. `max_depth`: how many objects and arrays may stand within one another.
csj_parser *csj_parser_create(uint32_t max_depth);
void csj_parser_destroy(csj_parser *parser);

// Reads one JSON value of fewer than 2 GiB. The tokens belong to the parser and are overwritten by its next call.
// On failure `*error_offset` is where in the text the trouble was seen.
csj_status csj_parse(csj_parser *parser, const uint8_t *text, size_t count, const csj_token **tokens,
                     size_t *token_count, size_t *error_offset);

// Where the structural characters of a text stand: brackets, colons, commas, and the first characters of strings,
// numbers and literals. Nothing but UTF-8, quotes and control characters has been checked.
typedef struct csj_structure {
  const uint32_t *places;
  size_t count;
  bool has_backslash; // anywhere in the text
} csj_structure;

// For those who read a text by its structure, without tokens. The places belong to the parser as tokens do.
csj_status csj_find_structure(csj_parser *parser, const uint8_t *text, size_t count, csj_structure *structure,
                              size_t *error_offset);

// Checks the whole value that starts at structural character `i` of the text that was looked at last; `around` objects and
// arrays stand around it. Returns the index of the structural character after it, 0 if it is not JSON.
size_t csj_skip(csj_parser *parser, const uint8_t *text, size_t count, size_t i, size_t around);

// The csj_kind of the number or literal that is all of [from, to), which is not empty; 0 if it is neither.
uint8_t csj_bare_kind(const uint8_t *text, size_t from, size_t to);

typedef enum csj_escapes { CSJ_NO_ESCAPES = 0, CSJ_GOOD_ESCAPES, CSJ_BAD_ESCAPES } csj_escapes;

// What escapes stand between the quotes of a string.
csj_escapes csj_find_escapes(const uint8_t *text, size_t count);

#ifdef __cplusplus
}
#endif

#endif
