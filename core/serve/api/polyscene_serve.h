/* Scores with a model that `polyscene export` wrote: the C interface of libpolyscene_serve, for programs in any
 * language. polyscene_serve.hpp has the same for C++.
 *
 * Functions that can fail return NULL or a number other than 0 and write why to `error`, at most error_bytes with the
 * final 0. Pointers that a function takes are the caller's, and read only during the call. Models may be used by
 * several threads at once, requests by one at a time. */
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

/* A null id, in place of a value. A null number is NaN, a null string NULL. */
#define POLYSCENE_NULL_ID INT64_MIN

/* Opens a folder of versions at its newest, or one version. threads: that one call of polyscene_score() uses. */
POLYSCENE_API polyscene_model* polyscene_open(const char* folder, int threads, char* error, size_t error_bytes);
POLYSCENE_API void polyscene_close(polyscene_model* model);
/* The folder of the version; valid until polyscene_refresh() or polyscene_close(). */
POLYSCENE_API const char* polyscene_folder(const polyscene_model* model);
/* Opens the newest version of the folder of versions if there is a newer one; calls that are under way end with the old
 * one. Returns 1 if there was, 0 if not, -1 on an error, and then goes on with the old one. */
POLYSCENE_API int polyscene_refresh(polyscene_model* model, char* error, size_t error_bytes);

/* From now on requests for which polyscene_score() is called by several threads are joined to batches of up to
 * most_rows rows; a request with more is scored alone. 0, as after polyscene_open(): every request is scored alone.
 * at_once: batches that are scored at the same time, each by one of the callers with `threads` threads; requests that
 * come while so many are under way are joined. wait_us: how long a request that could be scored waits for others after
 * it came, unless there are most_rows sooner. Requests made before and after polyscene_refresh() are not joined. */
POLYSCENE_API int polyscene_join_requests(polyscene_model* model, int64_t most_rows, int64_t wait_us, int at_once,
                                          char* error, size_t error_bytes);

/* Rows to score; columns are those of the training data that features read. A column that is not set is null in every
 * row. The model must outlive the request. */
POLYSCENE_API polyscene_request* polyscene_request_new(polyscene_model* model, int64_t rows, char* error,
                                                       size_t error_bytes);
POLYSCENE_API void polyscene_request_free(polyscene_request* request);
/* One value per row. lengths: bytes of each string. */
POLYSCENE_API int polyscene_set_ids(polyscene_request* request, const char* column, const int64_t* ids, char* error,
                                    size_t error_bytes);
POLYSCENE_API int polyscene_set_strings(polyscene_request* request, const char* column, const char* const* strings,
                                        const size_t* lengths, char* error, size_t error_bytes);
POLYSCENE_API int polyscene_set_numbers(polyscene_request* request, const char* column, const double* numbers,
                                        char* error, size_t error_bytes);
/* A list per row, one after the other: offsets [rows + 1], values [offsets[rows]]. */
POLYSCENE_API int polyscene_set_id_lists(polyscene_request* request, const char* column, const int64_t* offsets,
                                         const int64_t* ids, char* error, size_t error_bytes);
POLYSCENE_API int polyscene_set_string_lists(polyscene_request* request, const char* column, const int64_t* offsets,
                                             const char* const* strings, const size_t* lengths, char* error,
                                             size_t error_bytes);
POLYSCENE_API int polyscene_set_number_lists(polyscene_request* request, const char* column, const int64_t* offsets,
                                             const double* numbers, char* error, size_t error_bytes);

/* probabilities [rows]. A request with a row that training would refuse fails alone; when scoring a batch fails, every
 * request that was joined to it does. */
POLYSCENE_API int polyscene_score(polyscene_model* model, const polyscene_request* request, float* probabilities,
                                  char* error, size_t error_bytes);

#ifdef __cplusplus
}
#endif

#endif
