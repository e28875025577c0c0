/* tests/support/whole_backend.h - a Lightning node that takes splices as a whole, on the scripted node of fake_cln.h: what ldk-server
 * can and tells, said in the words of Core Lightning, so that a test owns its clock and its disk.  Its errors are gRPC's numbers. */
#ifndef TESTS_SUPPORT_WHOLE_BACKEND_H
#define TESTS_SUPPORT_WHOLE_BACKEND_H

#include "rails/lightning/backend.h"

const struct ln_backend *whole_backend(void);

#endif
