/* Scores with a model that `polyscene export` wrote: the C interface of libpolyscene_serve, for programs in any
 * language. polyscene_serve.hpp has the same for C++.
 *
 * Functions that can fail return NULL or a number other than 0 and write why to `error`, at most error_bytes with the
 * final 0; what they were to change is then as it was. `error` may be NULL. Every argument is checked: NULL, numbers
 * outside the maxima below, columns that the model does not have or reads as another kind, and offsets that name no
 * lists are refused. What cannot be checked is the caller's: that arrays are as long as is said here, that models and
 * requests were not closed or freed, and that memory that was handed over is not changed during the call.
 *
 * Pointers that a function takes are the caller's, and read only during the call. Models may be used by several threads
 * at once, requests by one at a time. A call does not change how many threads OpenMP uses in the program, and a thread
 * is not cancelled during one. */
#ifndef POLYSCENE_SERVE_H
#define POLYSCENE_SERVE_H

#include <stddef.h>
#include <stdint.h>

#define POLYSCENE_API __attribute__((visibility("default")))

#ifdef __cplusplus
extern "C" {
#endif

typedef struct polyscene_model polyscene_model;
typedef struct polyscene_request polyscene_request;

/* A null id, in place of a value. A null number is NaN, a null string NULL, in lists too. */
#define POLYSCENE_NULL_ID INT64_MIN

/* Maxima. */
#define POLYSCENE_MAX_THREADS 4096
#define POLYSCENE_MAX_ROWS 1048576    /* of a request */
#define POLYSCENE_MAX_VALUES 67108864 /* of a column's lists in a request, all rows together */
#define POLYSCENE_MAX_STRING_BYTES 2147483647
#define POLYSCENE_MAX_WAIT_US 1099511627776 /* 12 days */

/* Opens a folder of versions at its newest that is there whole, or one version. Its description, configuration, dense
 * parameters and the indexes of its tables are compared with their hashes; rows are not, see polyscene_verify().
 * threads: that one call of polyscene_score() uses, 1 to POLYSCENE_MAX_THREADS; refused where the system does not give
 * so many. */
POLYSCENE_API polyscene_model* polyscene_open(const char* folder, int threads, char* error, size_t error_bytes);
/* NULL is no model, and nothing happens. */
POLYSCENE_API void polyscene_close(polyscene_model* model);
/* The folder of the version; valid until polyscene_close(). NULL for NULL. */
POLYSCENE_API const char* polyscene_folder(const polyscene_model* model);
/* Opens the newest version of the folder of versions if there is a newer one; calls that are under way end with the old
 * one. Returns 1 if there was, 0 if not, -1 on an error, and then goes on with the old one. */
POLYSCENE_API int polyscene_refresh(polyscene_model* model, char* error, size_t error_bytes);
/* Reads all of the version that is open, and of the one that it adds to, and compares it with its hashes. Takes as long
 * as the disk needs for it; other threads may score meanwhile. Returns 0 where everything is as it was exported; else
 * `error` names the file that is not. */
POLYSCENE_API int polyscene_verify(const polyscene_model* model, char* error, size_t error_bytes);

/* From now on requests for which polyscene_score() is called by several threads are joined to batches of up to
 * most_rows rows, at most POLYSCENE_MAX_ROWS; a request with more is scored alone. 0, as after polyscene_open(): every
 * request is scored alone. at_once: batches that are scored at the same time, 1 to POLYSCENE_MAX_THREADS, each by one
 * of the callers with `threads` threads; requests that come while so many are under way are joined. wait_us: how long a
 * request that could be scored waits for others after it came, at most POLYSCENE_MAX_WAIT_US, unless there are
 * most_rows sooner. Requests made before and after polyscene_refresh() are not joined. */
POLYSCENE_API int polyscene_join_requests(polyscene_model* model, int64_t most_rows, int64_t wait_us, int at_once,
                                          char* error, size_t error_bytes);

/* Rows to score, 0 to POLYSCENE_MAX_ROWS; columns are those of the training data that features read. A column that is
 * not set is null in every row, one that is set again has the later values. The model must outlive the request. */
POLYSCENE_API polyscene_request* polyscene_request_new(polyscene_model* model, int64_t rows, char* error,
                                                       size_t error_bytes);
/* NULL is no request, and nothing happens. */
POLYSCENE_API void polyscene_request_free(polyscene_request* request);
/* One value per row: `rows` of them are read. lengths: bytes of each string. */
POLYSCENE_API int polyscene_set_ids(polyscene_request* request, const char* column, const int64_t* ids, char* error,
                                    size_t error_bytes);
POLYSCENE_API int polyscene_set_strings(polyscene_request* request, const char* column, const char* const* strings,
                                        const size_t* lengths, char* error, size_t error_bytes);
POLYSCENE_API int polyscene_set_numbers(polyscene_request* request, const char* column, const double* numbers,
                                        char* error, size_t error_bytes);
/* A list per row, one after the other: `count` values, which offsets [rows + 1] divide. The first offset is 0, none is
 * less than the one before it, and the last is count, at most POLYSCENE_MAX_VALUES. */
POLYSCENE_API int polyscene_set_id_lists(polyscene_request* request, const char* column, const int64_t* offsets,
                                         const int64_t* ids, int64_t count, char* error, size_t error_bytes);
POLYSCENE_API int polyscene_set_string_lists(polyscene_request* request, const char* column, const int64_t* offsets,
                                             const char* const* strings, const size_t* lengths, int64_t count,
                                             char* error, size_t error_bytes);
POLYSCENE_API int polyscene_set_number_lists(polyscene_request* request, const char* column, const int64_t* offsets,
                                             const double* numbers, int64_t count, char* error, size_t error_bytes);

/* probabilities [rows]. The request must be one of the model's. A request with a row that training would refuse fails
 * alone; when scoring a batch fails, every request that was joined to it does. */
POLYSCENE_API int polyscene_score(polyscene_model* model, const polyscene_request* request, float* probabilities,
                                  char* error, size_t error_bytes);

#ifdef __cplusplus
}
#endif

#endif
