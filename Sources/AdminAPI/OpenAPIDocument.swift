/// What the admin API is, for programs.
///
/// Source: OpenAPI Specification 3.1.
enum OpenAPIDocument {
    static let text = """
        {
          "openapi": "3.1.0",
          "info": {
            "title": "Outrigger admin API",
            "version": "1",
            "description": "The rollout of a sidecar: to look at, to change, to roll back; its health and its metrics; its decisions as a feature flag."
          },
          "security": [{"bearer": []}],
          "paths": {
            "/v1/rollout": {
              "get": {
                "operationId": "getRollout",
                "summary": "The rollout as it is; the ETag is its revision",
                "responses": {"200": {"$ref": "#/components/responses/Rollout"}, "401": {"$ref": "#/components/responses/Problem"}}
              },
              "put": {
                "operationId": "setRollout",
                "summary": "Set mode and percentages, or start a schedule of steps",
                "parameters": [{
                  "name": "If-Match", "in": "header", "required": true, "schema": {"type": "string"},
                  "description": "The revision that the change is meant for, in quotes; * for whichever is"
                }],
                "requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Change"}}}},
                "responses": {
                  "200": {"$ref": "#/components/responses/Rollout"}, "400": {"$ref": "#/components/responses/Problem"},
                  "409": {"$ref": "#/components/responses/Problem"}, "412": {"$ref": "#/components/responses/Problem"},
                  "428": {"$ref": "#/components/responses/Problem"}, "507": {"$ref": "#/components/responses/Problem"}
                }
              }
            },
            "/v1/rollout/{verb}": {
              "post": {
                "operationId": "actOnRollout",
                "summary": "Pause, resume, promote, or roll back; in force when it is answered",
                "parameters": [{
                  "name": "verb", "in": "path", "required": true,
                  "schema": {"type": "string", "enum": ["pause", "resume", "promote", "rollback"]}
                }],
                "requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Action"}}}},
                "responses": {
                  "200": {"$ref": "#/components/responses/Rollout"}, "400": {"$ref": "#/components/responses/Problem"},
                  "404": {"$ref": "#/components/responses/Problem"}, "409": {"$ref": "#/components/responses/Problem"},
                  "412": {"$ref": "#/components/responses/Problem"}
                }
              }
            },
            "/v1/rollout/history": {
              "get": {
                "operationId": "getHistory",
                "summary": "The changes, the newest first",
                "parameters": [
                  {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 50}},
                  {"name": "before", "in": "query", "schema": {"type": "integer"}, "description": "Only changes before this revision"}
                ],
                "responses": {
                  "200": {
                    "description": "Who changed what, when and why",
                    "content": {"application/json": {"schema": {
                      "type": "object", "required": ["changes"],
                      "properties": {"changes": {"type": "array", "items": {"$ref": "#/components/schemas/HistoryEntry"}}}
                    }}}
                  },
                  "400": {"$ref": "#/components/responses/Problem"}
                }
              }
            },
            "/healthz": {
              "get": {"operationId": "getHealth", "summary": "It lives", "security": [], "responses": {"200": {"description": "It does"}}}
            },
            "/readyz": {
              "get": {
                "operationId": "getReadiness", "summary": "Whether it may be sent requests", "security": [],
                "responses": {"200": {"description": "It may"}, "503": {"description": "It may not, for the reasons given"}}
              }
            },
            "/metrics": {
              "get": {
                "operationId": "getMetrics", "summary": "Prometheus text format",
                "responses": {"200": {"description": "The metrics", "content": {"text/plain": {"schema": {"type": "string"}}}}}
              }
            },
            "/ofrep/v1/evaluate/flags/{key}": {
              "post": {
                "operationId": "evaluateFlag", "summary": "The arm for a targeting key (OFREP)",
                "parameters": [{"name": "key", "in": "path", "required": true, "schema": {"type": "string"}}],
                "requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Context"}}}},
                "responses": {
                  "200": {"description": "variant baseline or candidate, with its reason"},
                  "400": {"description": "The context cannot be used"}, "404": {"description": "There is no such flag"}
                }
              }
            },
            "/ofrep/v1/evaluate/flags": {
              "post": {
                "operationId": "evaluateFlags", "summary": "All flags, which is one, for a targeting key (OFREP)",
                "parameters": [{"name": "If-None-Match", "in": "header", "schema": {"type": "string"}}],
                "requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Context"}}}},
                "responses": {"200": {"description": "The flags"}, "304": {"description": "As before"}, "400": {"description": "The context cannot be used"}}
              }
            },
            "/openapi.json": {
              "get": {"operationId": "getDocument", "summary": "This document", "responses": {"200": {"description": "OpenAPI 3.1"}}}
            }
          },
          "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "responses": {
              "Rollout": {
                "description": "The rollout", "headers": {"ETag": {"schema": {"type": "string"}, "description": "The revision, in quotes"}},
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Rollout"}}}
              },
              "Problem": {
                "description": "What is wrong (RFC 9457)",
                "content": {"application/problem+json": {"schema": {
                  "type": "object", "required": ["title", "status", "code", "detail"],
                  "properties": {"title": {"type": "string"}, "status": {"type": "integer"}, "code": {"type": "string"}, "detail": {"type": "string"}}
                }}}
              }
            },
            "schemas": {
              "Mode": {"type": "string", "enum": ["baseline", "shadow", "canary"]},
              "Percent": {"type": "number", "minimum": 0, "maximum": 100, "description": "At most two decimals"},
              "Step": {
                "type": "object", "required": ["percent"], "additionalProperties": false,
                "properties": {"percent": {"$ref": "#/components/schemas/Percent"}, "seconds": {"type": ["integer", "null"], "minimum": 1}}
              },
              "Rollout": {
                "type": "object", "required": ["id", "revision", "mode", "percent", "shadow_percent", "epoch", "schedule"],
                "properties": {
                  "id": {"type": "string"}, "revision": {"type": "integer", "minimum": 1}, "mode": {"$ref": "#/components/schemas/Mode"},
                  "percent": {"$ref": "#/components/schemas/Percent"}, "shadow_percent": {"$ref": "#/components/schemas/Percent"},
                  "epoch": {"type": "integer", "minimum": 0}, "schedule": {"type": ["object", "null"]},
                  "unsaved": {"type": "string", "description": "Why the state file does not have it"}
                }
              },
              "Change": {
                "type": "object", "required": ["why"], "additionalProperties": false,
                "properties": {
                  "mode": {"$ref": "#/components/schemas/Mode"}, "percent": {"$ref": "#/components/schemas/Percent"},
                  "shadow_percent": {"$ref": "#/components/schemas/Percent"},
                  "steps": {"type": "array", "items": {"$ref": "#/components/schemas/Step"}},
                  "why": {"type": "string"}, "by": {"type": "string"}
                }
              },
              "Action": {
                "type": "object", "required": ["why"], "additionalProperties": false,
                "properties": {"why": {"type": "string"}, "by": {"type": "string"}, "revision": {"type": "integer"}}
              },
              "HistoryEntry": {
                "type": "object", "required": ["revision", "command", "at_ms", "by", "why", "state"],
                "properties": {
                  "revision": {"type": "integer"}, "command": {"type": "string"}, "at_ms": {"type": "integer"},
                  "by": {"type": "string"}, "why": {"type": "string"}, "state": {"$ref": "#/components/schemas/Rollout"}
                }
              },
              "Context": {
                "type": "object", "required": ["context"],
                "properties": {"context": {"type": "object", "required": ["targetingKey"], "properties": {"targetingKey": {"type": "string"}}}}
              }
            }
          }
        }

        """
}
