#pragma once
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_math.h>
#include <gsl/gsl_qrng.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_sf.h>
#include <gsl/gsl_statistics.h>
#include <gsl/gsl_version.h>

// GSL's globals are not safe to name from Swift 6.
static inline const char *gsl_version_string_value(void) { return gsl_version; }
static inline const gsl_qrng_type *gsl_qrng_sobol_value(void) { return gsl_qrng_sobol; }
