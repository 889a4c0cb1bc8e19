// Everything that protoc-c generated from Protos/, as one module.
#ifndef COTLP_H
#define COTLP_H

#include "otlp_common.pb-c.h"
#include "otlp_trace.pb-c.h"
#include "otlp_logs.pb-c.h"
#include "google_rpc_status.pb-c.h"

#endif
