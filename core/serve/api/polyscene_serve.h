/* Scores with a model that `polyscene export` wrote: the C interface of libpolyscene_serve, for programs in any
 * language. polyscene_serve.hpp has the same for C++.
 *
 * A function that fails returns NULL or a number other than 0, writes a message of at most error_bytes, with the final
 * 0, to `error`, and changes nothing else. `error` may be NULL. Every argument is checked: NULL, numbers outside the
 * maxima below, columns that the model does not have or reads as another kind, and invalid offsets are refused. The
 * caller must ensure what cannot be checked: arrays have the lengths that are given here, models and requests are not
 * used after they were closed or freed, and memory that was passed does not change during the call.
 *
 * Memory that is passed stays the caller's and is read only during the call. Several threads may use a model at the
 * same time; only one at a time may use a request. A call does not change the number of threads that OpenMP uses in the
 * program, and the calling thread cannot be cancelled during a call. */
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

/* The id that stands for null. A null number is NaN, and a null string is NULL, in lists too. */
#define POLYSCENE_NULL_ID INT64_MIN

/* Maxima of arguments. */
#define POLYSCENE_MAX_THREADS 4096
#define POLYSCENE_MAX_ROWS 1048576    /* of a request */
#define POLYSCENE_MAX_VALUES 67108864 /* in all lists of a column in a request */
#define POLYSCENE_MAX_STRING_BYTES 2147483647
#define POLYSCENE_MAX_WAIT_US 1099511627776 /* 12 days */

/* Opens the newest complete version in a folder of versions, or one version by its folder. Compares its description,
 * configuration, dense parameters and the indexes of its tables with their hashes, but not the rows; see
 * polyscene_verify(). threads: number of threads of one call of polyscene_score(), 1 to POLYSCENE_MAX_THREADS; refused
 * if the system cannot start so many. */
POLYSCENE_API polyscene_model* polyscene_open(const char* folder, int threads, char* error, size_t error_bytes);
/* Does nothing for NULL. */
POLYSCENE_API void polyscene_close(polyscene_model* model);
/* The folder of the open version; valid until polyscene_close(). Returns NULL for NULL. */
POLYSCENE_API const char* polyscene_folder(const polyscene_model* model);
/* Opens a newer version of the folder of versions if there is one; calls in progress finish with the old one. Returns 1
 * if there was a newer version, 0 if not, and -1 on an error, which leaves the old version open. */
POLYSCENE_API int polyscene_refresh(polyscene_model* model, char* error, size_t error_bytes);
/* Reads all files of the open version, and of its base if it is a delta, and compares them with their hashes. Takes as
 * long as the disk needs; other threads may score in the meantime. Returns 0 if everything is as it was exported,
 * otherwise `error` names the damaged file. */
POLYSCENE_API int polyscene_verify(const polyscene_model* model, char* error, size_t error_bytes);

/* From now on, requests that several threads pass to polyscene_score() at the same time are joined to batches.
 * most_rows: limit of a batch's rows, at most POLYSCENE_MAX_ROWS; a request with more is scored alone. 0, the setting
 * after polyscene_open(), scores every request alone. at_once: number of batches that may be scored at the same time, 1
 * to POLYSCENE_MAX_THREADS, each by one of the callers with `threads` threads; requests that arrive while so many are
 * being scored are joined. wait_us: how long a request that could be scored waits for others after its arrival, at most
 * POLYSCENE_MAX_WAIT_US; it waits no longer once most_rows rows are there. Requests made before and after
 * polyscene_refresh() are not joined. */
POLYSCENE_API int polyscene_join_requests(polyscene_model* model, int64_t most_rows, int64_t wait_us, int at_once,
                                          char* error, size_t error_bytes);

/* A request of 0 to POLYSCENE_MAX_ROWS rows to score. Its columns are the columns of the training data that features
 * read. A column that is not set is null in every row; setting a column again replaces its values. The model must
 * outlive the request. */
POLYSCENE_API polyscene_request* polyscene_request_new(polyscene_model* model, int64_t rows, char* error,
                                                       size_t error_bytes);
/* Does nothing for NULL. */
POLYSCENE_API void polyscene_request_free(polyscene_request* request);
/* Sets a column with one value per row; reads `rows` values. lengths: bytes of each string. */
POLYSCENE_API int polyscene_set_ids(polyscene_request* request, const char* column, const int64_t* ids, char* error,
                                    size_t error_bytes);
POLYSCENE_API int polyscene_set_strings(polyscene_request* request, const char* column, const char* const* strings,
                                        const size_t* lengths, char* error, size_t error_bytes);
POLYSCENE_API int polyscene_set_numbers(polyscene_request* request, const char* column, const double* numbers,
                                        char* error, size_t error_bytes);
/* Sets a column with one list per row. The lists are concatenated: `count` values, at most POLYSCENE_MAX_VALUES, which
 * offsets [rows + 1] divide. The first offset is 0, no offset is less than the one before it, and the last is count. */
POLYSCENE_API int polyscene_set_id_lists(polyscene_request* request, const char* column, const int64_t* offsets,
                                         const int64_t* ids, int64_t count, char* error, size_t error_bytes);
POLYSCENE_API int polyscene_set_string_lists(polyscene_request* request, const char* column, const int64_t* offsets,
                                             const char* const* strings, const size_t* lengths, int64_t count,
                                             char* error, size_t error_bytes);
POLYSCENE_API int polyscene_set_number_lists(polyscene_request* request, const char* column, const int64_t* offsets,
                                             const double* numbers, int64_t count, char* error, size_t error_bytes);

/* Writes probabilities [rows]. The request must have been made with this model. A request with a row that training
 * would refuse fails alone; when the scoring of a joined batch fails, all its requests fail. */
POLYSCENE_API int polyscene_score(polyscene_model* model, const polyscene_request* request, float* probabilities,
                                  char* error, size_t error_bytes);

#ifdef __cplusplus
}
#endif

#endif
