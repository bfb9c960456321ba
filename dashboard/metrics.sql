-- Written by `python -m dashboard.queries` from dashboard/metrics.py; not to be edited.

-- actions
SELECT
  "t1"."at",
  "t1"."kind",
  CASE
    WHEN "t1"."event" = 'CONFIG_CHANGED'
    THEN COALESCE("t1"."changes", '') || ' (' || COALESCE("t1"."reason", '') || ')'
    WHEN "t1"."kind" = 'reset'
    THEN "t1"."provider" || ': ' || "t1"."cause"
    WHEN "t1"."kind" = 'start'
    THEN 'service started'
    WHEN "t1"."kind" = 'stop'
    THEN 'service stopped'
    ELSE NULL
  END AS "text",
  "t1"."actor"
FROM (
  SELECT
    "t0"."source",
    "t0"."offset",
    "t0"."at",
    "t0"."at_inferred",
    "t0"."plain",
    "t0"."event",
    "t0"."request_id",
    "t0"."provider",
    "t0"."model",
    "t0"."attempt",
    "t0"."chain_position",
    "t0"."status",
    "t0"."reason",
    "t0"."http_status",
    "t0"."generation_time_ms",
    "t0"."circuit",
    "t0"."attempts",
    "t0"."fallbacks",
    "t0"."total_ms",
    "t0"."wasted_ms",
    "t0"."from_provider",
    "t0"."to_provider",
    "t0"."from_state",
    "t0"."to_state",
    "t0"."cause",
    "t0"."failures",
    "t0"."open_until",
    "t0"."trigger_request_ids",
    "t0"."is_primary",
    "t0"."chain_order",
    "t0"."actor",
    "t0"."origin",
    "t0"."changes",
    CASE
      WHEN (
        "t0"."event" = 'CONFIG_CHANGED'
      )
      AND CONTAINS(LOWER("t0"."changes"), 'order')
      THEN 'reorder'
      WHEN "t0"."event" = 'CONFIG_CHANGED'
      THEN 'config'
      WHEN (
        "t0"."event" = 'BREAKER_TRANSITION'
      )
      AND "t0"."cause" IN ('manual_reset', 'isolated', 'released')
      THEN 'reset'
      WHEN "t0"."event" = 'SERVICE_STARTED'
      THEN 'start'
      WHEN "t0"."event" = 'SERVICE_STOPPED'
      THEN 'stop'
      ELSE NULL
    END AS "kind"
  FROM "events" AS "t0"
  WHERE
    "t0"."at" >= CAST($start AS TIMESTAMP)
    AND "t0"."at" < CAST($end AS TIMESTAMP)
    AND CASE
      WHEN (
        "t0"."event" = 'CONFIG_CHANGED'
      )
      AND CONTAINS(LOWER("t0"."changes"), 'order')
      THEN 'reorder'
      WHEN "t0"."event" = 'CONFIG_CHANGED'
      THEN 'config'
      WHEN (
        "t0"."event" = 'BREAKER_TRANSITION'
      )
      AND "t0"."cause" IN ('manual_reset', 'isolated', 'released')
      THEN 'reset'
      WHEN "t0"."event" = 'SERVICE_STARTED'
      THEN 'start'
      WHEN "t0"."event" = 'SERVICE_STOPPED'
      THEN 'stop'
      ELSE NULL
    END IS NOT NULL
  ORDER BY
    "t0"."at" ASC,
    "t0"."source" ASC,
    "t0"."offset" ASC
) AS "t1";

-- attempts_by_bucket
SELECT
  "t2"."bucket_at",
  "t2"."provider",
  "t2"."attempts",
  "t2"."success",
  "t2"."failed",
  "t2"."success" / NULLIF("t2"."attempts", 0) AS "success_rate",
  LIST_EXTRACT("t2"."times", 1) AS "p50_ms",
  LIST_EXTRACT("t2"."times", 2) AS "p95_ms"
FROM (
  SELECT
    TIME_BUCKET(TO_SECONDS($bucket_s), "t1"."at", CAST('epoch' AS TIMESTAMP)) AS "bucket_at",
    "t1"."provider",
    COUNT(*) AS "attempts",
    COUNT(*) FILTER(WHERE
      "t1"."status" = 'success') AS "success",
    COUNT(*) FILTER(WHERE
      "t1"."status" = 'failed') AS "failed",
    QUANTILE_CONT("t1"."generation_time_ms", [0.5, 0.95]) AS "times"
  FROM (
    SELECT
      *
    FROM "events" AS "t0"
    WHERE
      "t0"."at" >= CAST($start AS TIMESTAMP)
      AND "t0"."at" < CAST($end AS TIMESTAMP)
      AND "t0"."event" = 'LLM_ATTEMPT'
      AND "t0"."status" <> 'cancelled'
  ) AS "t1"
  GROUP BY
    1,
    2
) AS "t2"
ORDER BY
  "t2"."bucket_at" ASC,
  "t2"."provider" ASC;

-- circuit_intervals
WITH "t3" AS (
  SELECT
    *
  FROM "events" AS "t0"
  WHERE
    "t0"."at" < LEAST(CAST($end AS TIMESTAMP), CAST($at AS TIMESTAMP))
    AND "t0"."event" = 'BREAKER_TRANSITION'
    AND "t0"."plain"
), "t26" AS (
  SELECT
    *
  FROM (
    SELECT
      "t0"."source",
      "t0"."offset",
      "t0"."at",
      "t0"."at_inferred",
      "t0"."provider",
      "t0"."from_state",
      "t0"."to_state",
      "t0"."cause",
      "t0"."failures",
      "t0"."open_until",
      "t0"."trigger_request_ids"
    FROM "events" AS "t0"
    WHERE
      "t0"."at" < LEAST(CAST($end AS TIMESTAMP), CAST($at AS TIMESTAMP))
      AND "t0"."event" = 'BREAKER_TRANSITION'
      AND NOT (
        "t0"."plain"
      )
  ) AS "t4"
  UNION ALL
  SELECT
    *
  FROM (
    SELECT
      "t22"."source",
      "t22"."offset",
      "t22"."at",
      "t22"."at_inferred",
      "t22"."provider",
      CASE
        WHEN (
          "t22"."to_state" <> 'CLOSED'
        )
        AND COALESCE("t22"."proof" > COALESCE("t22"."before_offset", -1), FALSE)
        THEN 'CLOSED'
        ELSE "t22"."before"
      END AS "from_state",
      "t22"."to_state",
      "t22"."cause",
      "t22"."failures",
      "t22"."open_until",
      "t22"."trigger_request_ids"
    FROM (
      SELECT
        "t17"."source",
        "t17"."offset",
        "t17"."at",
        "t17"."at_inferred",
        "t17"."plain",
        "t17"."event",
        "t17"."request_id",
        "t17"."provider",
        "t17"."model",
        "t17"."attempt",
        "t17"."chain_position",
        "t17"."status",
        "t17"."reason",
        "t17"."http_status",
        "t17"."generation_time_ms",
        "t17"."circuit",
        "t17"."attempts",
        "t17"."fallbacks",
        "t17"."total_ms",
        "t17"."wasted_ms",
        "t17"."from_provider",
        "t17"."to_provider",
        "t17"."from_state",
        "t17"."to_state",
        "t17"."cause",
        "t17"."failures",
        "t17"."open_until",
        "t17"."trigger_request_ids",
        "t17"."is_primary",
        "t17"."chain_order",
        "t17"."actor",
        "t17"."origin",
        "t17"."changes",
        "t17"."source_right",
        "t17"."provider_right",
        "t17"."offset_right",
        "t17"."proof",
        LAG("t17"."to_state") OVER (
          PARTITION BY "t17"."source", "t17"."provider"
          ORDER BY "t17"."offset" ASC
          ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) AS "before",
        LAG("t17"."offset") OVER (
          PARTITION BY "t17"."source", "t17"."provider"
          ORDER BY "t17"."offset" ASC
          ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) AS "before_offset"
      FROM (
        SELECT
          "t12"."source",
          "t12"."offset",
          "t12"."at",
          "t12"."at_inferred",
          "t12"."plain",
          "t12"."event",
          "t12"."request_id",
          "t12"."provider",
          "t12"."model",
          "t12"."attempt",
          "t12"."chain_position",
          "t12"."status",
          "t12"."reason",
          "t12"."http_status",
          "t12"."generation_time_ms",
          "t12"."circuit",
          "t12"."attempts",
          "t12"."fallbacks",
          "t12"."total_ms",
          "t12"."wasted_ms",
          "t12"."from_provider",
          "t12"."to_provider",
          "t12"."from_state",
          "t12"."to_state",
          "t12"."cause",
          "t12"."failures",
          "t12"."open_until",
          "t12"."trigger_request_ids",
          "t12"."is_primary",
          "t12"."chain_order",
          "t12"."actor",
          "t12"."origin",
          "t12"."changes",
          "t10"."source" AS "source_right",
          "t10"."provider" AS "provider_right",
          "t10"."offset" AS "offset_right",
          "t10"."proof"
        FROM "t3" AS "t12"
        ASOF LEFT JOIN (
          SELECT
            "t0"."source",
            "t0"."provider",
            "t0"."offset",
            "t0"."offset" AS "proof"
          FROM "events" AS "t0"
          WHERE
            "t0"."at" < LEAST(CAST($end AS TIMESTAMP), CAST($at AS TIMESTAMP))
            AND "t0"."plain"
            AND "t0"."event" = 'LLM_ATTEMPT'
            AND "t0"."status" = 'success'
        ) AS "t10"
          ON "t12"."offset" >= "t10"."offset"
          AND "t12"."source" = "t10"."source"
          AND "t12"."provider" = "t10"."provider"
      ) AS "t17"
    ) AS "t22"
    WHERE
      (
        CASE
          WHEN (
            "t22"."to_state" <> 'CLOSED'
          )
          AND COALESCE("t22"."proof" > COALESCE("t22"."before_offset", -1), FALSE)
          THEN 'CLOSED'
          ELSE "t22"."before"
        END IS NULL
      )
      OR (
        CASE
          WHEN (
            "t22"."to_state" <> 'CLOSED'
          )
          AND COALESCE("t22"."proof" > COALESCE("t22"."before_offset", -1), FALSE)
          THEN 'CLOSED'
          ELSE "t22"."before"
        END <> "t22"."to_state"
      )
  ) AS "t25"
)
SELECT
  "t48"."provider",
  "t48"."state",
  "t48"."start_at",
  "t48"."end_at",
  "t48"."cause",
  "t48"."open_until",
  "t48"."inferred"
FROM (
  SELECT
    "t47"."provider",
    "t47"."at",
    "t47"."offset",
    "t47"."state",
    "t47"."cause",
    "t47"."open_until",
    "t47"."inferred",
    LEAST(
      COALESCE(
        LEAD("t47"."at") OVER (
          PARTITION BY "t47"."provider"
          ORDER BY "t47"."at" ASC, "t47"."offset" ASC
          ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ),
        LEAST(CAST($end AS TIMESTAMP), CAST($at AS TIMESTAMP))
      ),
      LEAST(CAST($end AS TIMESTAMP), CAST($at AS TIMESTAMP))
    ) AS "end_at",
    GREATEST("t47"."at", CAST($start AS TIMESTAMP)) AS "start_at"
  FROM (
    SELECT
      *
    FROM (
      SELECT
        "t41".*
        EXCLUDE ("before")
      FROM (
        SELECT
          *
        FROM (
          SELECT
            "t39"."provider",
            "t39"."at",
            "t39"."offset",
            "t39"."state",
            "t39"."cause",
            "t39"."open_until",
            "t39"."inferred",
            LAG("t39"."state") OVER (
              PARTITION BY "t39"."provider"
              ORDER BY "t39"."at" ASC, "t39"."offset" ASC
              ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
            ) AS "before"
          FROM (
            SELECT
              *
            FROM (
              SELECT
                *
              FROM (
                SELECT
                  *
                FROM (
                  SELECT
                    "t27"."provider",
                    "t27"."at",
                    "t27"."offset",
                    "t27"."to_state" AS "state",
                    "t27"."cause",
                    "t27"."open_until",
                    "t27"."at_inferred" AS "inferred"
                  FROM "t26" AS "t27"
                ) AS "t29"
                UNION ALL
                SELECT
                  *
                FROM (
                  SELECT
                    "t35"."provider",
                    "t35"."at",
                    "t35"."offset",
                    "t35"."state",
                    "t35"."cause",
                    "t35"."open_until",
                    "t35"."inferred"
                  FROM (
                    SELECT
                      "t20"."provider",
                      "t20"."at",
                      "t20"."offset",
                      "t20"."cause",
                      "t20"."state",
                      "t20"."open_until",
                      "t20"."inferred",
                      "t32"."provider" AS "provider_right",
                      "t32"."first_at"
                    FROM (
                      SELECT
                        "t16"."provider",
                        "t16"."at",
                        "t16"."offset",
                        CAST(NULL AS TEXT) AS "cause",
                        'CLOSED' AS "state",
                        CAST(NULL AS TIMESTAMP) AS "open_until",
                        TRUE AS "inferred"
                      FROM (
                        SELECT
                          "t13"."provider",
                          MIN("t13"."at") AS "at",
                          MIN("t13"."offset") AS "offset"
                        FROM (
                          SELECT
                            *
                          FROM "events" AS "t0"
                          WHERE
                            "t0"."at" < LEAST(CAST($end AS TIMESTAMP), CAST($at AS TIMESTAMP))
                            AND "t0"."event" = 'LLM_ATTEMPT'
                            AND (
                              (
                                "t0"."circuit" = 'CLOSED'
                              )
                              OR (
                                "t0"."plain" AND (
                                  "t0"."status" = 'success'
                                )
                              )
                            )
                        ) AS "t13"
                        GROUP BY
                          1
                      ) AS "t16"
                    ) AS "t20"
                    LEFT OUTER JOIN (
                      SELECT
                        "t27"."provider",
                        MIN("t27"."at") AS "first_at"
                      FROM "t26" AS "t27"
                      GROUP BY
                        1
                    ) AS "t32"
                      ON "t20"."provider" = "t32"."provider"
                  ) AS "t35"
                  WHERE
                    (
                      "t35"."first_at" IS NULL
                    ) OR (
                      "t35"."at" < "t35"."first_at"
                    )
                ) AS "t36"
              ) AS "t37"
              UNION ALL
              SELECT
                *
              FROM (
                SELECT
                  "t23"."provider",
                  "t23"."at",
                  "t23"."offset",
                  'CLOSED' AS "state",
                  CAST(NULL AS TEXT) AS "cause",
                  CAST(NULL AS TIMESTAMP) AS "open_until",
                  TRUE AS "inferred"
                FROM (
                  SELECT
                    "t21"."source",
                    "t21"."provider",
                    "t21"."until",
                    "t21"."line",
                    "t9"."source" AS "source_right",
                    "t9"."provider" AS "provider_right",
                    "t9"."at",
                    "t9"."offset"
                  FROM (
                    SELECT
                      "t15"."source",
                      "t15"."provider",
                      "t15"."until",
                      "t15"."offset" AS "line"
                    FROM (
                      SELECT
                        "t8"."source",
                        "t8"."offset",
                        "t8"."at",
                        "t8"."at_inferred",
                        "t8"."plain",
                        "t8"."event",
                        "t8"."request_id",
                        "t8"."provider",
                        "t8"."model",
                        "t8"."attempt",
                        "t8"."chain_position",
                        "t8"."status",
                        "t8"."reason",
                        "t8"."http_status",
                        "t8"."generation_time_ms",
                        "t8"."circuit",
                        "t8"."attempts",
                        "t8"."fallbacks",
                        "t8"."total_ms",
                        "t8"."wasted_ms",
                        "t8"."from_provider",
                        "t8"."to_provider",
                        "t8"."from_state",
                        "t8"."to_state",
                        "t8"."cause",
                        "t8"."failures",
                        "t8"."open_until",
                        "t8"."trigger_request_ids",
                        "t8"."is_primary",
                        "t8"."chain_order",
                        "t8"."actor",
                        "t8"."origin",
                        "t8"."changes",
                        LEAD("t8"."offset") OVER (
                          PARTITION BY "t8"."source", "t8"."provider"
                          ORDER BY "t8"."offset" ASC
                          ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
                        ) AS "until"
                      FROM "t3" AS "t8"
                    ) AS "t15"
                    WHERE
                      "t15"."to_state" <> 'CLOSED'
                  ) AS "t21"
                  ASOF LEFT JOIN (
                    SELECT
                      "t0"."source",
                      "t0"."provider",
                      "t0"."at",
                      "t0"."offset"
                    FROM "events" AS "t0"
                    WHERE
                      "t0"."at" < LEAST(CAST($end AS TIMESTAMP), CAST($at AS TIMESTAMP))
                      AND "t0"."plain"
                      AND "t0"."event" = 'LLM_ATTEMPT'
                      AND "t0"."status" = 'success'
                  ) AS "t9"
                    ON "t21"."line" <= "t9"."offset"
                    AND "t21"."source" = "t9"."source"
                    AND "t21"."provider" = "t9"."provider"
                ) AS "t23"
                WHERE
                  "t23"."offset" IS NOT NULL
                  AND (
                    (
                      "t23"."until" IS NULL
                    ) OR (
                      "t23"."offset" < "t23"."until"
                    )
                  )
              ) AS "t24"
            ) AS "t38"
            UNION ALL
            SELECT
              *
            FROM (
              SELECT
                "t33"."provider",
                "t33"."at",
                "t33"."offset",
                'CLOSED' AS "state",
                'service_started' AS "cause",
                CAST(NULL AS TIMESTAMP) AS "open_until",
                TRUE AS "inferred"
              FROM (
                SELECT
                  "t7"."at",
                  "t7"."offset",
                  "t30"."provider"
                FROM (
                  SELECT
                    "t0"."at",
                    "t0"."offset"
                  FROM "events" AS "t0"
                  WHERE
                    "t0"."at" < LEAST(CAST($end AS TIMESTAMP), CAST($at AS TIMESTAMP))
                    AND "t0"."event" = 'SERVICE_STARTED'
                ) AS "t7"
                CROSS JOIN (
                  SELECT DISTINCT
                    "t27"."provider"
                  FROM "t26" AS "t27"
                ) AS "t30"
              ) AS "t33"
            ) AS "t34"
          ) AS "t39"
        ) AS "t40"
        WHERE
          (
            "t40"."before" IS NULL
          ) OR (
            "t40"."before" <> "t40"."state"
          )
      ) AS "t41"
    ) AS "t42"
    UNION ALL
    SELECT
      *
    FROM (
      SELECT
        "t45"."provider",
        "t45"."at",
        "t45"."offset",
        "t45"."state",
        "t45"."cause",
        "t45"."open_until",
        "t45"."inferred"
      FROM (
        SELECT
          "t14"."provider",
          "t14"."at",
          "t14"."offset",
          "t14"."state",
          "t14"."cause",
          "t14"."open_until",
          "t14"."inferred",
          "t44"."provider" AS "provider_right",
          "t44"."first_at"
        FROM (
          SELECT
            "t1"."provider",
            CAST($start AS TIMESTAMP) AS "at",
            -1 AS "offset",
            'UNKNOWN' AS "state",
            CAST(NULL AS TEXT) AS "cause",
            CAST(NULL AS TIMESTAMP) AS "open_until",
            TRUE AS "inferred"
          FROM (
            SELECT DISTINCT
              "t0"."provider"
            FROM "events" AS "t0"
            WHERE
              "t0"."at" < LEAST(CAST($end AS TIMESTAMP), CAST($at AS TIMESTAMP))
              AND "t0"."provider" IS NOT NULL
          ) AS "t1"
        ) AS "t14"
        LEFT OUTER JOIN (
          SELECT
            "t42"."provider",
            MIN("t42"."at") AS "first_at"
          FROM (
            SELECT
              "t41".*
              EXCLUDE ("before")
            FROM (
              SELECT
                *
              FROM (
                SELECT
                  "t39"."provider",
                  "t39"."at",
                  "t39"."offset",
                  "t39"."state",
                  "t39"."cause",
                  "t39"."open_until",
                  "t39"."inferred",
                  LAG("t39"."state") OVER (
                    PARTITION BY "t39"."provider"
                    ORDER BY "t39"."at" ASC, "t39"."offset" ASC
                    ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
                  ) AS "before"
                FROM (
                  SELECT
                    *
                  FROM (
                    SELECT
                      *
                    FROM (
                      SELECT
                        *
                      FROM (
                        SELECT
                          "t27"."provider",
                          "t27"."at",
                          "t27"."offset",
                          "t27"."to_state" AS "state",
                          "t27"."cause",
                          "t27"."open_until",
                          "t27"."at_inferred" AS "inferred"
                        FROM "t26" AS "t27"
                      ) AS "t29"
                      UNION ALL
                      SELECT
                        *
                      FROM (
                        SELECT
                          "t35"."provider",
                          "t35"."at",
                          "t35"."offset",
                          "t35"."state",
                          "t35"."cause",
                          "t35"."open_until",
                          "t35"."inferred"
                        FROM (
                          SELECT
                            "t20"."provider",
                            "t20"."at",
                            "t20"."offset",
                            "t20"."cause",
                            "t20"."state",
                            "t20"."open_until",
                            "t20"."inferred",
                            "t32"."provider" AS "provider_right",
                            "t32"."first_at"
                          FROM (
                            SELECT
                              "t16"."provider",
                              "t16"."at",
                              "t16"."offset",
                              CAST(NULL AS TEXT) AS "cause",
                              'CLOSED' AS "state",
                              CAST(NULL AS TIMESTAMP) AS "open_until",
                              TRUE AS "inferred"
                            FROM (
                              SELECT
                                "t13"."provider",
                                MIN("t13"."at") AS "at",
                                MIN("t13"."offset") AS "offset"
                              FROM (
                                SELECT
                                  *
                                FROM "events" AS "t0"
                                WHERE
                                  "t0"."at" < LEAST(CAST($end AS TIMESTAMP), CAST($at AS TIMESTAMP))
                                  AND "t0"."event" = 'LLM_ATTEMPT'
                                  AND (
                                    (
                                      "t0"."circuit" = 'CLOSED'
                                    )
                                    OR (
                                      "t0"."plain" AND (
                                        "t0"."status" = 'success'
                                      )
                                    )
                                  )
                              ) AS "t13"
                              GROUP BY
                                1
                            ) AS "t16"
                          ) AS "t20"
                          LEFT OUTER JOIN (
                            SELECT
                              "t27"."provider",
                              MIN("t27"."at") AS "first_at"
                            FROM "t26" AS "t27"
                            GROUP BY
                              1
                          ) AS "t32"
                            ON "t20"."provider" = "t32"."provider"
                        ) AS "t35"
                        WHERE
                          (
                            "t35"."first_at" IS NULL
                          ) OR (
                            "t35"."at" < "t35"."first_at"
                          )
                      ) AS "t36"
                    ) AS "t37"
                    UNION ALL
                    SELECT
                      *
                    FROM (
                      SELECT
                        "t23"."provider",
                        "t23"."at",
                        "t23"."offset",
                        'CLOSED' AS "state",
                        CAST(NULL AS TEXT) AS "cause",
                        CAST(NULL AS TIMESTAMP) AS "open_until",
                        TRUE AS "inferred"
                      FROM (
                        SELECT
                          "t21"."source",
                          "t21"."provider",
                          "t21"."until",
                          "t21"."line",
                          "t9"."source" AS "source_right",
                          "t9"."provider" AS "provider_right",
                          "t9"."at",
                          "t9"."offset"
                        FROM (
                          SELECT
                            "t15"."source",
                            "t15"."provider",
                            "t15"."until",
                            "t15"."offset" AS "line"
                          FROM (
                            SELECT
                              "t8"."source",
                              "t8"."offset",
                              "t8"."at",
                              "t8"."at_inferred",
                              "t8"."plain",
                              "t8"."event",
                              "t8"."request_id",
                              "t8"."provider",
                              "t8"."model",
                              "t8"."attempt",
                              "t8"."chain_position",
                              "t8"."status",
                              "t8"."reason",
                              "t8"."http_status",
                              "t8"."generation_time_ms",
                              "t8"."circuit",
                              "t8"."attempts",
                              "t8"."fallbacks",
                              "t8"."total_ms",
                              "t8"."wasted_ms",
                              "t8"."from_provider",
                              "t8"."to_provider",
                              "t8"."from_state",
                              "t8"."to_state",
                              "t8"."cause",
                              "t8"."failures",
                              "t8"."open_until",
                              "t8"."trigger_request_ids",
                              "t8"."is_primary",
                              "t8"."chain_order",
                              "t8"."actor",
                              "t8"."origin",
                              "t8"."changes",
                              LEAD("t8"."offset") OVER (
                                PARTITION BY "t8"."source", "t8"."provider"
                                ORDER BY "t8"."offset" ASC
                                ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
                              ) AS "until"
                            FROM "t3" AS "t8"
                          ) AS "t15"
                          WHERE
                            "t15"."to_state" <> 'CLOSED'
                        ) AS "t21"
                        ASOF LEFT JOIN (
                          SELECT
                            "t0"."source",
                            "t0"."provider",
                            "t0"."at",
                            "t0"."offset"
                          FROM "events" AS "t0"
                          WHERE
                            "t0"."at" < LEAST(CAST($end AS TIMESTAMP), CAST($at AS TIMESTAMP))
                            AND "t0"."plain"
                            AND "t0"."event" = 'LLM_ATTEMPT'
                            AND "t0"."status" = 'success'
                        ) AS "t9"
                          ON "t21"."line" <= "t9"."offset"
                          AND "t21"."source" = "t9"."source"
                          AND "t21"."provider" = "t9"."provider"
                      ) AS "t23"
                      WHERE
                        "t23"."offset" IS NOT NULL
                        AND (
                          (
                            "t23"."until" IS NULL
                          ) OR (
                            "t23"."offset" < "t23"."until"
                          )
                        )
                    ) AS "t24"
                  ) AS "t38"
                  UNION ALL
                  SELECT
                    *
                  FROM (
                    SELECT
                      "t33"."provider",
                      "t33"."at",
                      "t33"."offset",
                      'CLOSED' AS "state",
                      'service_started' AS "cause",
                      CAST(NULL AS TIMESTAMP) AS "open_until",
                      TRUE AS "inferred"
                    FROM (
                      SELECT
                        "t7"."at",
                        "t7"."offset",
                        "t30"."provider"
                      FROM (
                        SELECT
                          "t0"."at",
                          "t0"."offset"
                        FROM "events" AS "t0"
                        WHERE
                          "t0"."at" < LEAST(CAST($end AS TIMESTAMP), CAST($at AS TIMESTAMP))
                          AND "t0"."event" = 'SERVICE_STARTED'
                      ) AS "t7"
                      CROSS JOIN (
                        SELECT DISTINCT
                          "t27"."provider"
                        FROM "t26" AS "t27"
                      ) AS "t30"
                    ) AS "t33"
                  ) AS "t34"
                ) AS "t39"
              ) AS "t40"
              WHERE
                (
                  "t40"."before" IS NULL
                ) OR (
                  "t40"."before" <> "t40"."state"
                )
            ) AS "t41"
          ) AS "t42"
          GROUP BY
            1
        ) AS "t44"
          ON "t14"."provider" = "t44"."provider"
      ) AS "t45"
      WHERE
        (
          "t45"."first_at" IS NULL
        )
        OR (
          "t45"."first_at" > CAST($start AS TIMESTAMP)
        )
    ) AS "t46"
  ) AS "t47"
) AS "t48"
WHERE
  "t48"."end_at" > "t48"."start_at"
ORDER BY
  "t48"."provider" ASC,
  "t48"."start_at" ASC;

-- circuit_transitions
SELECT
  "t9"."at",
  "t9"."provider",
  "t9"."from_state",
  "t9"."to_state",
  "t9"."cause",
  "t9"."failures",
  "t9"."open_until",
  "t9"."trigger_request_ids" AS "request_ids"
FROM (
  SELECT
    *
  FROM (
    SELECT
      "t0"."source",
      "t0"."offset",
      "t0"."at",
      "t0"."at_inferred",
      "t0"."provider",
      "t0"."from_state",
      "t0"."to_state",
      "t0"."cause",
      "t0"."failures",
      "t0"."open_until",
      "t0"."trigger_request_ids"
    FROM "events" AS "t0"
    WHERE
      "t0"."event" = 'BREAKER_TRANSITION' AND NOT (
        "t0"."plain"
      )
  ) AS "t2"
  UNION ALL
  SELECT
    *
  FROM (
    SELECT
      "t7"."source",
      "t7"."offset",
      "t7"."at",
      "t7"."at_inferred",
      "t7"."provider",
      CASE
        WHEN (
          "t7"."to_state" <> 'CLOSED'
        )
        AND COALESCE("t7"."proof" > COALESCE("t7"."before_offset", -1), FALSE)
        THEN 'CLOSED'
        ELSE "t7"."before"
      END AS "from_state",
      "t7"."to_state",
      "t7"."cause",
      "t7"."failures",
      "t7"."open_until",
      "t7"."trigger_request_ids"
    FROM (
      SELECT
        "t6"."source",
        "t6"."offset",
        "t6"."at",
        "t6"."at_inferred",
        "t6"."plain",
        "t6"."event",
        "t6"."request_id",
        "t6"."provider",
        "t6"."model",
        "t6"."attempt",
        "t6"."chain_position",
        "t6"."status",
        "t6"."reason",
        "t6"."http_status",
        "t6"."generation_time_ms",
        "t6"."circuit",
        "t6"."attempts",
        "t6"."fallbacks",
        "t6"."total_ms",
        "t6"."wasted_ms",
        "t6"."from_provider",
        "t6"."to_provider",
        "t6"."from_state",
        "t6"."to_state",
        "t6"."cause",
        "t6"."failures",
        "t6"."open_until",
        "t6"."trigger_request_ids",
        "t6"."is_primary",
        "t6"."chain_order",
        "t6"."actor",
        "t6"."origin",
        "t6"."changes",
        "t6"."source_right",
        "t6"."provider_right",
        "t6"."offset_right",
        "t6"."proof",
        LAG("t6"."to_state") OVER (
          PARTITION BY "t6"."source", "t6"."provider"
          ORDER BY "t6"."offset" ASC
          ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) AS "before",
        LAG("t6"."offset") OVER (
          PARTITION BY "t6"."source", "t6"."provider"
          ORDER BY "t6"."offset" ASC
          ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) AS "before_offset"
      FROM (
        SELECT
          "t4"."source",
          "t4"."offset",
          "t4"."at",
          "t4"."at_inferred",
          "t4"."plain",
          "t4"."event",
          "t4"."request_id",
          "t4"."provider",
          "t4"."model",
          "t4"."attempt",
          "t4"."chain_position",
          "t4"."status",
          "t4"."reason",
          "t4"."http_status",
          "t4"."generation_time_ms",
          "t4"."circuit",
          "t4"."attempts",
          "t4"."fallbacks",
          "t4"."total_ms",
          "t4"."wasted_ms",
          "t4"."from_provider",
          "t4"."to_provider",
          "t4"."from_state",
          "t4"."to_state",
          "t4"."cause",
          "t4"."failures",
          "t4"."open_until",
          "t4"."trigger_request_ids",
          "t4"."is_primary",
          "t4"."chain_order",
          "t4"."actor",
          "t4"."origin",
          "t4"."changes",
          "t5"."source" AS "source_right",
          "t5"."provider" AS "provider_right",
          "t5"."offset" AS "offset_right",
          "t5"."proof"
        FROM (
          SELECT
            *
          FROM "events" AS "t0"
          WHERE
            "t0"."event" = 'BREAKER_TRANSITION' AND "t0"."plain"
        ) AS "t4"
        ASOF LEFT JOIN (
          SELECT
            "t0"."source",
            "t0"."provider",
            "t0"."offset",
            "t0"."offset" AS "proof"
          FROM "events" AS "t0"
          WHERE
            "t0"."plain" AND "t0"."event" = 'LLM_ATTEMPT' AND "t0"."status" = 'success'
        ) AS "t5"
          ON "t4"."offset" >= "t5"."offset"
          AND "t4"."source" = "t5"."source"
          AND "t4"."provider" = "t5"."provider"
      ) AS "t6"
    ) AS "t7"
    WHERE
      (
        CASE
          WHEN (
            "t7"."to_state" <> 'CLOSED'
          )
          AND COALESCE("t7"."proof" > COALESCE("t7"."before_offset", -1), FALSE)
          THEN 'CLOSED'
          ELSE "t7"."before"
        END IS NULL
      )
      OR (
        CASE
          WHEN (
            "t7"."to_state" <> 'CLOSED'
          )
          AND COALESCE("t7"."proof" > COALESCE("t7"."before_offset", -1), FALSE)
          THEN 'CLOSED'
          ELSE "t7"."before"
        END <> "t7"."to_state"
      )
  ) AS "t8"
) AS "t9"
WHERE
  "t9"."at" >= CAST($start AS TIMESTAMP)
  AND "t9"."at" < CAST($end AS TIMESTAMP)
ORDER BY
  "t9"."at" ASC,
  "t9"."source" ASC,
  "t9"."offset" ASC;

-- failures_by_reason
SELECT
  *
FROM (
  SELECT
    "t5"."provider",
    "t5"."reason",
    "t5"."http_status",
    COUNT(*) AS "n"
  FROM (
    SELECT
      *
    FROM (
      SELECT
        "t0"."at",
        "t0"."provider",
        "t0"."reason",
        "t0"."http_status",
        "t0"."plain"
      FROM "events" AS "t0"
      WHERE
        "t0"."at" >= CAST($start AS TIMESTAMP)
        AND "t0"."at" < CAST($end AS TIMESTAMP)
        AND NOT (
          "t0"."plain"
        )
        AND "t0"."event" = 'LLM_ATTEMPT'
        AND "t0"."status" = 'failed'
    ) AS "t2"
    UNION ALL
    SELECT
      *
    FROM (
      SELECT
        "t3"."at",
        "t3"."provider",
        CASE
          WHEN (
            "t3"."event" = 'LLM_ATTEMPT'
          )
          AND (
            "t3"."reason" IS NULL
          )
          AND (
            "t3"."after" = 'PROVIDER_FAILED'
          )
          THEN "t3"."after_reason"
          ELSE "t3"."reason"
        END AS "reason",
        CASE
          WHEN (
            "t3"."event" = 'LLM_ATTEMPT'
          )
          AND (
            "t3"."reason" IS NULL
          )
          AND (
            "t3"."after" = 'PROVIDER_FAILED'
          )
          THEN "t3"."after_status"
          ELSE "t3"."http_status"
        END AS "http_status",
        "t3"."plain"
      FROM (
        SELECT
          "t1"."source",
          "t1"."offset",
          "t1"."at",
          "t1"."at_inferred",
          "t1"."plain",
          "t1"."event",
          "t1"."request_id",
          "t1"."provider",
          "t1"."model",
          "t1"."attempt",
          "t1"."chain_position",
          "t1"."status",
          "t1"."reason",
          "t1"."http_status",
          "t1"."generation_time_ms",
          "t1"."circuit",
          "t1"."attempts",
          "t1"."fallbacks",
          "t1"."total_ms",
          "t1"."wasted_ms",
          "t1"."from_provider",
          "t1"."to_provider",
          "t1"."from_state",
          "t1"."to_state",
          "t1"."cause",
          "t1"."failures",
          "t1"."open_until",
          "t1"."trigger_request_ids",
          "t1"."is_primary",
          "t1"."chain_order",
          "t1"."actor",
          "t1"."origin",
          "t1"."changes",
          LEAD("t1"."event") OVER (
            PARTITION BY "t1"."source"
            ORDER BY "t1"."offset" ASC
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
          ) AS "after",
          LEAD("t1"."reason") OVER (
            PARTITION BY "t1"."source"
            ORDER BY "t1"."offset" ASC
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
          ) AS "after_reason",
          LEAD("t1"."http_status") OVER (
            PARTITION BY "t1"."source"
            ORDER BY "t1"."offset" ASC
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
          ) AS "after_status",
          LAG(
            (
              "t1"."event" = 'LLM_ATTEMPT'
            )
            AND (
              "t1"."status" = 'failed'
            )
            AND (
              "t1"."reason" IS NULL
            )
          ) OVER (
            PARTITION BY "t1"."source"
            ORDER BY "t1"."offset" ASC
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
          ) AS "before"
        FROM (
          SELECT
            *
          FROM "events" AS "t0"
          WHERE
            "t0"."at" >= CAST($start AS TIMESTAMP)
            AND "t0"."at" < CAST($end AS TIMESTAMP)
            AND "t0"."plain"
        ) AS "t1"
      ) AS "t3"
      WHERE
        (
          (
            "t3"."event" = 'LLM_ATTEMPT'
          ) AND (
            "t3"."status" = 'failed'
          )
        )
        OR (
          (
            "t3"."event" = 'PROVIDER_FAILED'
          )
          AND NOT (
            COALESCE("t3"."before", FALSE)
          )
        )
    ) AS "t4"
  ) AS "t5"
  GROUP BY
    1,
    2,
    3
) AS "t6"
ORDER BY
  "t6"."n" DESC,
  "t6"."provider" ASC,
  "t6"."reason" ASC,
  "t6"."http_status" ASC;

-- fallbacks_by_reason
SELECT
  *
FROM (
  SELECT
    "t1"."reason",
    "t1"."from_provider",
    "t1"."to_provider",
    COUNT(*) AS "n"
  FROM (
    SELECT
      *
    FROM "events" AS "t0"
    WHERE
      "t0"."at" >= CAST($start AS TIMESTAMP)
      AND "t0"."at" < CAST($end AS TIMESTAMP)
      AND "t0"."event" = 'FALLBACK'
  ) AS "t1"
  GROUP BY
    1,
    2,
    3
) AS "t2"
ORDER BY
  "t2"."n" DESC,
  "t2"."reason" ASC,
  "t2"."from_provider" ASC,
  "t2"."to_provider" ASC;

-- order_now
WITH "t3" AS (
  SELECT
    *
  FROM "events" AS "t0"
  WHERE
    "t0"."at" <= CAST($at AS TIMESTAMP)
    AND ARRAY_LENGTH("t0"."chain_order") > 0
  ORDER BY
    "t0"."at" DESC,
    "t0"."offset" DESC
  LIMIT 1
)
SELECT
  *
FROM (
  SELECT
    *
  FROM (
    SELECT
      "t9"."position",
      "t9"."chain_order" AS "provider"
    FROM (
      SELECT
        "t6".*
        REPLACE (STRUCT_EXTRACT("ibis_table_unnest_column_4url5pywcrb35fbd6ayaqilyna", 1) AS "chain_order"),
        STRUCT_EXTRACT("ibis_table_unnest_column_4url5pywcrb35fbd6ayaqilyna", 2) AS "position"
      FROM (
        SELECT
          "t5"."chain_order"
        FROM "t3" AS "t5"
      ) AS "t6"
      CROSS JOIN UNNEST(LIST_ZIP("t6"."chain_order", RANGE(0, LENGTH("t6"."chain_order")))) AS "ibis_table_unnest_jsla4eshsjettlyxpqktjeyuky"("ibis_table_unnest_column_4url5pywcrb35fbd6ayaqilyna")
    ) AS "t9"
  ) AS "t11"
  UNION ALL
  SELECT
    *
  FROM (
    SELECT
      "t13"."position",
      "t13"."provider"
    FROM (
      SELECT
        "t12"."provider",
        "t12"."lowest",
        "t12"."first_at",
        "t12"."position",
        "t8"."said"
      FROM (
        SELECT
          "t4"."provider",
          "t4"."lowest",
          "t4"."first_at",
          ROW_NUMBER() OVER (
            ORDER BY COALESCE("t4"."lowest", 1000000) ASC, "t4"."first_at" ASC, "t4"."provider" ASC
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
          ) - 1 AS "position"
        FROM (
          SELECT
            "t1"."provider",
            MIN("t1"."chain_position") AS "lowest",
            MIN("t1"."at") AS "first_at"
          FROM (
            SELECT
              *
            FROM "events" AS "t0"
            WHERE
              "t0"."at" <= CAST($at AS TIMESTAMP)
              AND "t0"."event" = 'LLM_ATTEMPT'
          ) AS "t1"
          GROUP BY
            1
        ) AS "t4"
      ) AS "t12"
      CROSS JOIN (
        SELECT
          COUNT(*) AS "said"
        FROM "t3" AS "t5"
      ) AS "t8"
    ) AS "t13"
    WHERE
      "t13"."said" = 0
  ) AS "t14"
) AS "t15"
ORDER BY
  "t15"."position" ASC;

-- provider_summary
SELECT
  "t12"."provider",
  "t12"."attempts",
  "t12"."success",
  "t12"."failed",
  "t12"."cancelled",
  "t12"."success" / NULLIF("t12"."attempts", 0) AS "success_rate",
  LIST_EXTRACT("t12"."times", 1) AS "p50_ms",
  LIST_EXTRACT("t12"."times", 2) AS "p95_ms",
  "t12"."last_reason",
  "t12"."last_failed_at"
FROM (
  SELECT
    "t7"."provider",
    "t7"."success",
    "t7"."failed",
    "t7"."cancelled",
    "t7"."times",
    "t7"."last_failed_at",
    "t7"."attempts",
    "t11"."provider" AS "provider_right",
    "t11"."last_reason"
  FROM (
    SELECT
      "t4"."provider",
      "t4"."success",
      "t4"."failed",
      "t4"."cancelled",
      "t4"."times",
      "t4"."last_failed_at",
      "t4"."success" + "t4"."failed" AS "attempts"
    FROM (
      SELECT
        "t2"."provider",
        COUNT(*) FILTER(WHERE
          "t2"."status" = 'success') AS "success",
        COUNT(*) FILTER(WHERE
          "t2"."status" = 'failed') AS "failed",
        COUNT(*) FILTER(WHERE
          "t2"."status" = 'cancelled') AS "cancelled",
        QUANTILE_CONT("t2"."generation_time_ms", [0.5, 0.95]) FILTER(WHERE
          "t2"."status" <> 'cancelled') AS "times",
        MAX("t2"."at") FILTER(WHERE
          "t2"."status" = 'failed') AS "last_failed_at"
      FROM (
        SELECT
          *
        FROM "events" AS "t0"
        WHERE
          "t0"."at" >= CAST($start AS TIMESTAMP)
          AND "t0"."at" < CAST($end AS TIMESTAMP)
          AND "t0"."event" = 'LLM_ATTEMPT'
      ) AS "t2"
      GROUP BY
        1
    ) AS "t4"
  ) AS "t7"
  LEFT OUTER JOIN (
    SELECT
      "t9"."provider",
      FIRST("t9"."reason" ORDER BY "t9"."at" DESC) AS "last_reason"
    FROM (
      SELECT
        *
      FROM (
        SELECT
          "t0"."at",
          "t0"."provider",
          "t0"."reason",
          "t0"."http_status",
          "t0"."plain"
        FROM "events" AS "t0"
        WHERE
          "t0"."at" >= CAST($start AS TIMESTAMP)
          AND "t0"."at" < CAST($end AS TIMESTAMP)
          AND NOT (
            "t0"."plain"
          )
          AND "t0"."event" = 'LLM_ATTEMPT'
          AND "t0"."status" = 'failed'
      ) AS "t3"
      UNION ALL
      SELECT
        *
      FROM (
        SELECT
          "t5"."at",
          "t5"."provider",
          CASE
            WHEN (
              "t5"."event" = 'LLM_ATTEMPT'
            )
            AND (
              "t5"."reason" IS NULL
            )
            AND (
              "t5"."after" = 'PROVIDER_FAILED'
            )
            THEN "t5"."after_reason"
            ELSE "t5"."reason"
          END AS "reason",
          CASE
            WHEN (
              "t5"."event" = 'LLM_ATTEMPT'
            )
            AND (
              "t5"."reason" IS NULL
            )
            AND (
              "t5"."after" = 'PROVIDER_FAILED'
            )
            THEN "t5"."after_status"
            ELSE "t5"."http_status"
          END AS "http_status",
          "t5"."plain"
        FROM (
          SELECT
            "t1"."source",
            "t1"."offset",
            "t1"."at",
            "t1"."at_inferred",
            "t1"."plain",
            "t1"."event",
            "t1"."request_id",
            "t1"."provider",
            "t1"."model",
            "t1"."attempt",
            "t1"."chain_position",
            "t1"."status",
            "t1"."reason",
            "t1"."http_status",
            "t1"."generation_time_ms",
            "t1"."circuit",
            "t1"."attempts",
            "t1"."fallbacks",
            "t1"."total_ms",
            "t1"."wasted_ms",
            "t1"."from_provider",
            "t1"."to_provider",
            "t1"."from_state",
            "t1"."to_state",
            "t1"."cause",
            "t1"."failures",
            "t1"."open_until",
            "t1"."trigger_request_ids",
            "t1"."is_primary",
            "t1"."chain_order",
            "t1"."actor",
            "t1"."origin",
            "t1"."changes",
            LEAD("t1"."event") OVER (
              PARTITION BY "t1"."source"
              ORDER BY "t1"."offset" ASC
              ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
            ) AS "after",
            LEAD("t1"."reason") OVER (
              PARTITION BY "t1"."source"
              ORDER BY "t1"."offset" ASC
              ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
            ) AS "after_reason",
            LEAD("t1"."http_status") OVER (
              PARTITION BY "t1"."source"
              ORDER BY "t1"."offset" ASC
              ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
            ) AS "after_status",
            LAG(
              (
                "t1"."event" = 'LLM_ATTEMPT'
              )
              AND (
                "t1"."status" = 'failed'
              )
              AND (
                "t1"."reason" IS NULL
              )
            ) OVER (
              PARTITION BY "t1"."source"
              ORDER BY "t1"."offset" ASC
              ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
            ) AS "before"
          FROM (
            SELECT
              *
            FROM "events" AS "t0"
            WHERE
              "t0"."at" >= CAST($start AS TIMESTAMP)
              AND "t0"."at" < CAST($end AS TIMESTAMP)
              AND "t0"."plain"
          ) AS "t1"
        ) AS "t5"
        WHERE
          (
            (
              "t5"."event" = 'LLM_ATTEMPT'
            ) AND (
              "t5"."status" = 'failed'
            )
          )
          OR (
            (
              "t5"."event" = 'PROVIDER_FAILED'
            )
            AND NOT (
              COALESCE("t5"."before", FALSE)
            )
          )
      ) AS "t8"
    ) AS "t9"
    GROUP BY
      1
  ) AS "t11"
    ON "t7"."provider" = "t11"."provider"
) AS "t12"
ORDER BY
  "t12"."provider" ASC;

-- request_summary
WITH "t7" AS (
  SELECT
    "t4"."source",
    "t4"."offset",
    "t4"."at",
    "t4"."at_inferred",
    "t4"."plain",
    "t4"."event",
    "t4"."request_id",
    "t4"."provider",
    "t4"."model",
    "t4"."attempt",
    "t4"."chain_position",
    "t4"."status",
    "t4"."reason",
    "t4"."http_status",
    "t4"."generation_time_ms",
    "t4"."circuit",
    "t4"."attempts",
    "t4"."fallbacks",
    "t4"."total_ms",
    "t4"."wasted_ms",
    "t4"."from_provider",
    "t4"."to_provider",
    "t4"."from_state",
    "t4"."to_state",
    "t4"."cause",
    "t4"."failures",
    "t4"."open_until",
    "t4"."trigger_request_ids",
    "t4"."is_primary",
    "t4"."chain_order",
    "t4"."actor",
    "t4"."origin",
    "t4"."changes"
  FROM (
    SELECT
      *
    FROM "events" AS "t0"
    WHERE
      "t0"."event" IN ('LLM_ATTEMPT', 'FALLBACK', 'PROVIDERS_EXHAUSTED')
  ) AS "t4"
  SEMI JOIN (
    SELECT
      *
    FROM (
      SELECT
        "t0"."source",
        BOOL_OR(CAST("t0"."event" = 'LLM_REQUEST' AS BOOLEAN)) AS "logged"
      FROM "events" AS "t0"
      GROUP BY
        1
    ) AS "t3"
    WHERE
      NOT (
        "t3"."logged"
      )
  ) AS "t6"
    ON "t4"."source" = "t6"."source"
)
SELECT
  "t19"."total",
  "t19"."success",
  "t19"."total" - "t19"."success" AS "failed",
  (
    "t19"."total" - "t19"."success"
  ) / NULLIF("t19"."total", 0) AS "error_rate",
  "t19"."with_fallback",
  "t19"."with_fallback" / NULLIF("t19"."total", 0) AS "fallback_rate",
  LIST_EXTRACT("t19"."times", 1) AS "p50_ms",
  LIST_EXTRACT("t19"."times", 2) AS "p95_ms",
  COALESCE("t19"."wasted_ms", 0.0) AS "wasted_ms",
  "t19"."cancelled",
  "t19"."blocked",
  "t19"."rejected",
  COALESCE("t19"."derived", FALSE) AS "derived"
FROM (
  SELECT
    COUNT(*) FILTER(WHERE
      NOT (
        "t18"."status" IN ('cancelled', 'blocked', 'rejected')
      )) AS "total",
    COUNT(*) FILTER(WHERE
      "t18"."status" = 'success') AS "success",
    COUNT(*) FILTER(WHERE
      "t18"."with_fallback"
      AND NOT (
        "t18"."status" IN ('cancelled', 'blocked', 'rejected')
      )) AS "with_fallback",
    QUANTILE_CONT("t18"."total_ms", [0.5, 0.95]) FILTER(WHERE
      NOT (
        "t18"."status" IN ('cancelled', 'blocked', 'rejected')
      )) AS "times",
    SUM("t18"."wasted_ms") FILTER(WHERE
      NOT (
        "t18"."status" IN ('cancelled', 'blocked', 'rejected')
      )) AS "wasted_ms",
    COUNT(*) FILTER(WHERE
      "t18"."status" = 'cancelled') AS "cancelled",
    COUNT(*) FILTER(WHERE
      "t18"."status" = 'blocked') AS "blocked",
    COUNT(*) FILTER(WHERE
      "t18"."status" = 'rejected') AS "rejected",
    BOOL_OR(CAST("t18"."derived" AS BOOLEAN)) AS "derived"
  FROM (
    SELECT
      *
    FROM (
      SELECT
        *
      FROM (
        SELECT
          *
        FROM (
          SELECT
            "t0"."source",
            "t0"."at",
            "t0"."status",
            "t0"."total_ms",
            "t0"."wasted_ms",
            "t0"."fallbacks" > 0 AS "with_fallback",
            FALSE AS "derived"
          FROM "events" AS "t0"
          WHERE
            "t0"."event" = 'LLM_REQUEST'
        ) AS "t1"
        UNION ALL
        SELECT
          *
        FROM (
          SELECT
            "t11"."source",
            "t11"."at",
            CASE
              WHEN "t11"."answered"
              THEN 'success'
              WHEN "t11"."exhausted" OR "t11"."failed"
              THEN 'exhausted'
              ELSE 'cancelled'
            END AS "status",
            "t11"."total_ms",
            "t11"."wasted_ms",
            "t11"."with_fallback",
            TRUE AS "derived"
          FROM (
            SELECT
              "t9"."source",
              "t9"."request_id",
              MAX("t9"."at") AS "at",
              SUM("t9"."generation_time_ms") AS "total_ms",
              COALESCE(SUM("t9"."generation_time_ms") FILTER(WHERE
                "t9"."status" = 'failed'), 0.0) AS "wasted_ms",
              BOOL_OR(CAST("t9"."event" = 'LLM_ATTEMPT' AS BOOLEAN)) AS "attempted",
              COALESCE(BOOL_OR(CAST("t9"."status" = 'success' AS BOOLEAN)), FALSE) AS "answered",
              COALESCE(BOOL_OR(CAST("t9"."status" = 'failed' AS BOOLEAN)), FALSE) AS "failed",
              BOOL_OR(CAST("t9"."event" = 'PROVIDERS_EXHAUSTED' AS BOOLEAN)) AS "exhausted",
              BOOL_OR(CAST("t9"."event" = 'FALLBACK' AS BOOLEAN))
              OR (
                COUNT(DISTINCT "t9"."provider") > 1
              ) AS "with_fallback"
            FROM (
              SELECT
                *
              FROM "t7" AS "t8"
              WHERE
                "t8"."request_id" IS NOT NULL
            ) AS "t9"
            GROUP BY
              1,
              2
          ) AS "t11"
          WHERE
            "t11"."attempted" OR "t11"."exhausted"
        ) AS "t13"
      ) AS "t14"
      UNION ALL
      SELECT
        *
      FROM (
        SELECT
          "t15"."source",
          "t15"."at",
          CASE
            WHEN "t15"."answered"
            THEN 'success'
            WHEN "t15"."exhausted" OR "t15"."failed"
            THEN 'exhausted'
            ELSE 'cancelled'
          END AS "status",
          "t15"."total_ms",
          "t15"."wasted_ms",
          "t15"."with_fallback",
          TRUE AS "derived"
        FROM (
          SELECT
            "t12"."source",
            "t12"."run",
            MAX("t12"."ends") AS "ended",
            MAX("t12"."at") AS "at",
            SUM("t12"."generation_time_ms") AS "total_ms",
            COALESCE(SUM("t12"."generation_time_ms") FILTER(WHERE
              "t12"."status" = 'failed'), 0.0) AS "wasted_ms",
            BOOL_OR(CAST("t12"."event" = 'LLM_ATTEMPT' AS BOOLEAN)) AS "attempted",
            COALESCE(BOOL_OR(CAST("t12"."status" = 'success' AS BOOLEAN)), FALSE) AS "answered",
            COALESCE(BOOL_OR(CAST("t12"."status" = 'failed' AS BOOLEAN)), FALSE) AS "failed",
            BOOL_OR(CAST("t12"."event" = 'PROVIDERS_EXHAUSTED' AS BOOLEAN)) AS "exhausted",
            BOOL_OR(CAST("t12"."event" = 'FALLBACK' AS BOOLEAN))
            OR (
              COUNT(DISTINCT "t12"."provider") > 1
            ) AS "with_fallback"
          FROM (
            SELECT
              "t10"."source",
              "t10"."offset",
              "t10"."at",
              "t10"."at_inferred",
              "t10"."plain",
              "t10"."event",
              "t10"."request_id",
              "t10"."provider",
              "t10"."model",
              "t10"."attempt",
              "t10"."chain_position",
              "t10"."status",
              "t10"."reason",
              "t10"."http_status",
              "t10"."generation_time_ms",
              "t10"."circuit",
              "t10"."attempts",
              "t10"."fallbacks",
              "t10"."total_ms",
              "t10"."wasted_ms",
              "t10"."from_provider",
              "t10"."to_provider",
              "t10"."from_state",
              "t10"."to_state",
              "t10"."cause",
              "t10"."failures",
              "t10"."open_until",
              "t10"."trigger_request_ids",
              "t10"."is_primary",
              "t10"."chain_order",
              "t10"."actor",
              "t10"."origin",
              "t10"."changes",
              "t10"."ends",
              SUM("t10"."ends") OVER (
                PARTITION BY "t10"."source"
                ORDER BY "t10"."offset" ASC
                ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
              ) - "t10"."ends" AS "run"
            FROM (
              SELECT
                "t8"."source",
                "t8"."offset",
                "t8"."at",
                "t8"."at_inferred",
                "t8"."plain",
                "t8"."event",
                "t8"."request_id",
                "t8"."provider",
                "t8"."model",
                "t8"."attempt",
                "t8"."chain_position",
                "t8"."status",
                "t8"."reason",
                "t8"."http_status",
                "t8"."generation_time_ms",
                "t8"."circuit",
                "t8"."attempts",
                "t8"."fallbacks",
                "t8"."total_ms",
                "t8"."wasted_ms",
                "t8"."from_provider",
                "t8"."to_provider",
                "t8"."from_state",
                "t8"."to_state",
                "t8"."cause",
                "t8"."failures",
                "t8"."open_until",
                "t8"."trigger_request_ids",
                "t8"."is_primary",
                "t8"."chain_order",
                "t8"."actor",
                "t8"."origin",
                "t8"."changes",
                CAST(COALESCE(
                  (
                    "t8"."status" = 'success'
                  ) OR (
                    "t8"."event" = 'PROVIDERS_EXHAUSTED'
                  ),
                  FALSE
                ) AS BIGINT) AS "ends"
              FROM "t7" AS "t8"
              WHERE
                "t8"."request_id" IS NULL
            ) AS "t10"
          ) AS "t12"
          GROUP BY
            1,
            2
        ) AS "t15"
        WHERE
          "t15"."ended" = 1
      ) AS "t16"
    ) AS "t17"
    WHERE
      "t17"."at" >= CAST($start AS TIMESTAMP)
      AND "t17"."at" < CAST($end AS TIMESTAMP)
  ) AS "t18"
) AS "t19";

-- requests_by_bucket
WITH "t7" AS (
  SELECT
    "t4"."source",
    "t4"."offset",
    "t4"."at",
    "t4"."at_inferred",
    "t4"."plain",
    "t4"."event",
    "t4"."request_id",
    "t4"."provider",
    "t4"."model",
    "t4"."attempt",
    "t4"."chain_position",
    "t4"."status",
    "t4"."reason",
    "t4"."http_status",
    "t4"."generation_time_ms",
    "t4"."circuit",
    "t4"."attempts",
    "t4"."fallbacks",
    "t4"."total_ms",
    "t4"."wasted_ms",
    "t4"."from_provider",
    "t4"."to_provider",
    "t4"."from_state",
    "t4"."to_state",
    "t4"."cause",
    "t4"."failures",
    "t4"."open_until",
    "t4"."trigger_request_ids",
    "t4"."is_primary",
    "t4"."chain_order",
    "t4"."actor",
    "t4"."origin",
    "t4"."changes"
  FROM (
    SELECT
      *
    FROM "events" AS "t0"
    WHERE
      "t0"."event" IN ('LLM_ATTEMPT', 'FALLBACK', 'PROVIDERS_EXHAUSTED')
  ) AS "t4"
  SEMI JOIN (
    SELECT
      *
    FROM (
      SELECT
        "t0"."source",
        BOOL_OR(CAST("t0"."event" = 'LLM_REQUEST' AS BOOLEAN)) AS "logged"
      FROM "events" AS "t0"
      GROUP BY
        1
    ) AS "t3"
    WHERE
      NOT (
        "t3"."logged"
      )
  ) AS "t6"
    ON "t4"."source" = "t6"."source"
)
SELECT
  "t19"."bucket_at",
  "t19"."total",
  "t19"."success",
  "t19"."total" - "t19"."success" AS "failed",
  (
    "t19"."total" - "t19"."success"
  ) / NULLIF("t19"."total", 0) AS "error_rate",
  "t19"."with_fallback",
  "t19"."with_fallback" / NULLIF("t19"."total", 0) AS "fallback_rate",
  LIST_EXTRACT("t19"."times", 1) AS "p50_ms",
  LIST_EXTRACT("t19"."times", 2) AS "p95_ms",
  "t19"."wasted_ms"
FROM (
  SELECT
    TIME_BUCKET(TO_SECONDS($bucket_s), "t18"."at", CAST('epoch' AS TIMESTAMP)) AS "bucket_at",
    COUNT(*) FILTER(WHERE
      TRUE) AS "total",
    COUNT(*) FILTER(WHERE
      "t18"."status" = 'success') AS "success",
    COUNT(*) FILTER(WHERE
      "t18"."with_fallback" AND TRUE) AS "with_fallback",
    QUANTILE_CONT("t18"."total_ms", [0.5, 0.95]) FILTER(WHERE
      TRUE) AS "times",
    SUM("t18"."wasted_ms") FILTER(WHERE
      TRUE) AS "wasted_ms"
  FROM (
    SELECT
      *
    FROM (
      SELECT
        *
      FROM (
        SELECT
          *
        FROM (
          SELECT
            "t0"."source",
            "t0"."at",
            "t0"."status",
            "t0"."total_ms",
            "t0"."wasted_ms",
            "t0"."fallbacks" > 0 AS "with_fallback",
            FALSE AS "derived"
          FROM "events" AS "t0"
          WHERE
            "t0"."event" = 'LLM_REQUEST'
        ) AS "t1"
        UNION ALL
        SELECT
          *
        FROM (
          SELECT
            "t11"."source",
            "t11"."at",
            CASE
              WHEN "t11"."answered"
              THEN 'success'
              WHEN "t11"."exhausted" OR "t11"."failed"
              THEN 'exhausted'
              ELSE 'cancelled'
            END AS "status",
            "t11"."total_ms",
            "t11"."wasted_ms",
            "t11"."with_fallback",
            TRUE AS "derived"
          FROM (
            SELECT
              "t9"."source",
              "t9"."request_id",
              MAX("t9"."at") AS "at",
              SUM("t9"."generation_time_ms") AS "total_ms",
              COALESCE(SUM("t9"."generation_time_ms") FILTER(WHERE
                "t9"."status" = 'failed'), 0.0) AS "wasted_ms",
              BOOL_OR(CAST("t9"."event" = 'LLM_ATTEMPT' AS BOOLEAN)) AS "attempted",
              COALESCE(BOOL_OR(CAST("t9"."status" = 'success' AS BOOLEAN)), FALSE) AS "answered",
              COALESCE(BOOL_OR(CAST("t9"."status" = 'failed' AS BOOLEAN)), FALSE) AS "failed",
              BOOL_OR(CAST("t9"."event" = 'PROVIDERS_EXHAUSTED' AS BOOLEAN)) AS "exhausted",
              BOOL_OR(CAST("t9"."event" = 'FALLBACK' AS BOOLEAN))
              OR (
                COUNT(DISTINCT "t9"."provider") > 1
              ) AS "with_fallback"
            FROM (
              SELECT
                *
              FROM "t7" AS "t8"
              WHERE
                "t8"."request_id" IS NOT NULL
            ) AS "t9"
            GROUP BY
              1,
              2
          ) AS "t11"
          WHERE
            "t11"."attempted" OR "t11"."exhausted"
        ) AS "t13"
      ) AS "t14"
      UNION ALL
      SELECT
        *
      FROM (
        SELECT
          "t15"."source",
          "t15"."at",
          CASE
            WHEN "t15"."answered"
            THEN 'success'
            WHEN "t15"."exhausted" OR "t15"."failed"
            THEN 'exhausted'
            ELSE 'cancelled'
          END AS "status",
          "t15"."total_ms",
          "t15"."wasted_ms",
          "t15"."with_fallback",
          TRUE AS "derived"
        FROM (
          SELECT
            "t12"."source",
            "t12"."run",
            MAX("t12"."ends") AS "ended",
            MAX("t12"."at") AS "at",
            SUM("t12"."generation_time_ms") AS "total_ms",
            COALESCE(SUM("t12"."generation_time_ms") FILTER(WHERE
              "t12"."status" = 'failed'), 0.0) AS "wasted_ms",
            BOOL_OR(CAST("t12"."event" = 'LLM_ATTEMPT' AS BOOLEAN)) AS "attempted",
            COALESCE(BOOL_OR(CAST("t12"."status" = 'success' AS BOOLEAN)), FALSE) AS "answered",
            COALESCE(BOOL_OR(CAST("t12"."status" = 'failed' AS BOOLEAN)), FALSE) AS "failed",
            BOOL_OR(CAST("t12"."event" = 'PROVIDERS_EXHAUSTED' AS BOOLEAN)) AS "exhausted",
            BOOL_OR(CAST("t12"."event" = 'FALLBACK' AS BOOLEAN))
            OR (
              COUNT(DISTINCT "t12"."provider") > 1
            ) AS "with_fallback"
          FROM (
            SELECT
              "t10"."source",
              "t10"."offset",
              "t10"."at",
              "t10"."at_inferred",
              "t10"."plain",
              "t10"."event",
              "t10"."request_id",
              "t10"."provider",
              "t10"."model",
              "t10"."attempt",
              "t10"."chain_position",
              "t10"."status",
              "t10"."reason",
              "t10"."http_status",
              "t10"."generation_time_ms",
              "t10"."circuit",
              "t10"."attempts",
              "t10"."fallbacks",
              "t10"."total_ms",
              "t10"."wasted_ms",
              "t10"."from_provider",
              "t10"."to_provider",
              "t10"."from_state",
              "t10"."to_state",
              "t10"."cause",
              "t10"."failures",
              "t10"."open_until",
              "t10"."trigger_request_ids",
              "t10"."is_primary",
              "t10"."chain_order",
              "t10"."actor",
              "t10"."origin",
              "t10"."changes",
              "t10"."ends",
              SUM("t10"."ends") OVER (
                PARTITION BY "t10"."source"
                ORDER BY "t10"."offset" ASC
                ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
              ) - "t10"."ends" AS "run"
            FROM (
              SELECT
                "t8"."source",
                "t8"."offset",
                "t8"."at",
                "t8"."at_inferred",
                "t8"."plain",
                "t8"."event",
                "t8"."request_id",
                "t8"."provider",
                "t8"."model",
                "t8"."attempt",
                "t8"."chain_position",
                "t8"."status",
                "t8"."reason",
                "t8"."http_status",
                "t8"."generation_time_ms",
                "t8"."circuit",
                "t8"."attempts",
                "t8"."fallbacks",
                "t8"."total_ms",
                "t8"."wasted_ms",
                "t8"."from_provider",
                "t8"."to_provider",
                "t8"."from_state",
                "t8"."to_state",
                "t8"."cause",
                "t8"."failures",
                "t8"."open_until",
                "t8"."trigger_request_ids",
                "t8"."is_primary",
                "t8"."chain_order",
                "t8"."actor",
                "t8"."origin",
                "t8"."changes",
                CAST(COALESCE(
                  (
                    "t8"."status" = 'success'
                  ) OR (
                    "t8"."event" = 'PROVIDERS_EXHAUSTED'
                  ),
                  FALSE
                ) AS BIGINT) AS "ends"
              FROM "t7" AS "t8"
              WHERE
                "t8"."request_id" IS NULL
            ) AS "t10"
          ) AS "t12"
          GROUP BY
            1,
            2
        ) AS "t15"
        WHERE
          "t15"."ended" = 1
      ) AS "t16"
    ) AS "t17"
    WHERE
      "t17"."at" >= CAST($start AS TIMESTAMP)
      AND "t17"."at" < CAST($end AS TIMESTAMP)
      AND NOT (
        "t17"."status" IN ('cancelled', 'blocked', 'rejected')
      )
  ) AS "t18"
  GROUP BY
    1
) AS "t19"
ORDER BY
  "t19"."bucket_at" ASC;

-- wasted_by_provider
SELECT
  *
FROM (
  SELECT
    "t1"."provider",
    COALESCE(SUM("t1"."generation_time_ms"), 0.0) AS "wasted_ms"
  FROM (
    SELECT
      *
    FROM "events" AS "t0"
    WHERE
      "t0"."at" >= CAST($start AS TIMESTAMP)
      AND "t0"."at" < CAST($end AS TIMESTAMP)
      AND "t0"."event" = 'LLM_ATTEMPT'
      AND "t0"."status" = 'failed'
      AND (
        (
          "t0"."circuit" IS NULL
        ) OR (
          "t0"."circuit" <> 'OPEN'
        )
      )
  ) AS "t1"
  GROUP BY
    1
) AS "t2"
ORDER BY
  "t2"."provider" ASC;
