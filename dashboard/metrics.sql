-- Written by `python -m dashboard.queries` from dashboard/metrics.py; not to be edited.

-- actions
SELECT
  "t7"."at" AS "at",
  CASE
    WHEN (
      "t7"."event" = 'CONFIG_CHANGED'
    )
    AND CONTAINS(LOWER("t7"."changes"), 'order')
    THEN 'reorder'
    WHEN "t7"."event" = 'CONFIG_CHANGED'
    THEN 'config'
    WHEN (
      "t7"."event" = 'BREAKER_TRANSITION'
    )
    AND "t7"."cause" IN ('manual_reset', 'isolated', 'released')
    THEN 'reset'
    WHEN "t7"."event" = 'SERVICE_STARTED'
    THEN 'start'
    WHEN "t7"."event" = 'SERVICE_STOPPED'
    THEN 'stop'
    ELSE NULL
  END AS "kind",
  CASE
    WHEN "t7"."event" = 'CONFIG_CHANGED'
    THEN COALESCE("t7"."changes", '') || ' (' || COALESCE("t7"."reason", '') || ')'
    WHEN (
      "t7"."event" = 'BREAKER_TRANSITION'
    ) AND (
      "t7"."reason" <> ''
    )
    THEN "t7"."provider" || ': ' || "t7"."cause" || ' (' || "t7"."reason" || ')'
    WHEN "t7"."event" = 'BREAKER_TRANSITION'
    THEN "t7"."provider" || ': ' || "t7"."cause"
    WHEN "t7"."event" = 'SERVICE_STARTED'
    THEN 'service started'
    WHEN "t7"."event" = 'SERVICE_STOPPED'
    THEN 'service stopped'
    ELSE NULL
  END AS "text",
  "t7"."actor" AS "actor",
  "t7"."request_id" AS "request_id"
FROM (
  SELECT
    "t5"."source" AS "source",
    "t5"."offset" AS "offset",
    "t5"."at" AS "at",
    "t5"."event" AS "event",
    "t5"."request_id" AS "request_id",
    "t5"."provider" AS "provider",
    "t5"."reason" AS "reason",
    "t5"."cause" AS "cause",
    "t5"."actor" AS "actor",
    "t5"."changes" AS "changes"
  FROM (
    SELECT
      "t0"."source" AS "source",
      "t0"."offset" AS "offset",
      "t0"."at" AS "at",
      "t0"."event" AS "event",
      "t0"."request_id" AS "request_id",
      "t0"."provider" AS "provider",
      "t0"."reason" AS "reason",
      "t0"."cause" AS "cause",
      "t0"."actor" AS "actor",
      "t0"."changes" AS "changes"
    FROM "others" AS "t0"
    WHERE
      "t0"."event" = 'CONFIG_CHANGED'
    UNION ALL
    SELECT
      "t0"."source" AS "source",
      "t0"."offset" AS "offset",
      "t0"."at" AS "at",
      "t0"."event" AS "event",
      "t0"."request_id" AS "request_id",
      "t0"."provider" AS "provider",
      "t0"."reason" AS "reason",
      "t0"."cause" AS "cause",
      "t0"."actor" AS "actor",
      "t0"."changes" AS "changes"
    FROM "others" AS "t0"
    WHERE
      "t0"."event" = 'BREAKER_TRANSITION'
  ) AS "t5"
  UNION ALL
  SELECT
    "t6"."source" AS "source",
    "t6"."offset" AS "offset",
    "t6"."at" AS "at",
    "t6"."event" AS "event",
    "t6"."request_id" AS "request_id",
    "t6"."provider" AS "provider",
    "t6"."reason" AS "reason",
    "t6"."cause" AS "cause",
    "t6"."actor" AS "actor",
    "t6"."changes" AS "changes"
  FROM (
    SELECT
      "t0"."source" AS "source",
      "t0"."offset" AS "offset",
      "t0"."at" AS "at",
      "t0"."event" AS "event",
      "t0"."request_id" AS "request_id",
      "t0"."provider" AS "provider",
      "t0"."reason" AS "reason",
      "t0"."cause" AS "cause",
      "t0"."actor" AS "actor",
      "t0"."changes" AS "changes"
    FROM "others" AS "t0"
    WHERE
      "t0"."event" = 'SERVICE_STARTED'
    UNION ALL
    SELECT
      "t0"."source" AS "source",
      "t0"."offset" AS "offset",
      "t0"."at" AS "at",
      "t0"."event" AS "event",
      "t0"."request_id" AS "request_id",
      "t0"."provider" AS "provider",
      "t0"."reason" AS "reason",
      "t0"."cause" AS "cause",
      "t0"."actor" AS "actor",
      "t0"."changes" AS "changes"
    FROM "others" AS "t0"
    WHERE
      "t0"."event" = 'SERVICE_STOPPED'
  ) AS "t6"
) AS "t7"
WHERE
  "t7"."at" >= CAST($start AS TIMESTAMP)
  AND "t7"."at" < CAST($end AS TIMESTAMP)
  AND NOT CASE
    WHEN (
      "t7"."event" = 'CONFIG_CHANGED'
    )
    AND CONTAINS(LOWER("t7"."changes"), 'order')
    THEN 'reorder'
    WHEN "t7"."event" = 'CONFIG_CHANGED'
    THEN 'config'
    WHEN (
      "t7"."event" = 'BREAKER_TRANSITION'
    )
    AND "t7"."cause" IN ('manual_reset', 'isolated', 'released')
    THEN 'reset'
    WHEN "t7"."event" = 'SERVICE_STARTED'
    THEN 'start'
    WHEN "t7"."event" = 'SERVICE_STOPPED'
    THEN 'stop'
    ELSE NULL
  END IS NULL
ORDER BY
  "t7"."at" ASC,
  "t7"."source" ASC,
  "t7"."offset" ASC;

-- actions structured
SELECT
  "t7"."at" AS "at",
  CASE
    WHEN (
      "t7"."event" = 'CONFIG_CHANGED'
    )
    AND CONTAINS(LOWER("t7"."changes"), 'order')
    THEN 'reorder'
    WHEN "t7"."event" = 'CONFIG_CHANGED'
    THEN 'config'
    WHEN (
      "t7"."event" = 'BREAKER_TRANSITION'
    )
    AND "t7"."cause" IN ('manual_reset', 'isolated', 'released')
    THEN 'reset'
    WHEN "t7"."event" = 'SERVICE_STARTED'
    THEN 'start'
    WHEN "t7"."event" = 'SERVICE_STOPPED'
    THEN 'stop'
    ELSE NULL
  END AS "kind",
  CASE
    WHEN "t7"."event" = 'CONFIG_CHANGED'
    THEN COALESCE("t7"."changes", '') || ' (' || COALESCE("t7"."reason", '') || ')'
    WHEN (
      "t7"."event" = 'BREAKER_TRANSITION'
    ) AND (
      "t7"."reason" <> ''
    )
    THEN "t7"."provider" || ': ' || "t7"."cause" || ' (' || "t7"."reason" || ')'
    WHEN "t7"."event" = 'BREAKER_TRANSITION'
    THEN "t7"."provider" || ': ' || "t7"."cause"
    WHEN "t7"."event" = 'SERVICE_STARTED'
    THEN 'service started'
    WHEN "t7"."event" = 'SERVICE_STOPPED'
    THEN 'service stopped'
    ELSE NULL
  END AS "text",
  "t7"."actor" AS "actor",
  "t7"."request_id" AS "request_id"
FROM (
  SELECT
    "t5"."source" AS "source",
    "t5"."offset" AS "offset",
    "t5"."at" AS "at",
    "t5"."event" AS "event",
    "t5"."request_id" AS "request_id",
    "t5"."provider" AS "provider",
    "t5"."reason" AS "reason",
    "t5"."cause" AS "cause",
    "t5"."actor" AS "actor",
    "t5"."changes" AS "changes"
  FROM (
    SELECT
      "t0"."source" AS "source",
      "t0"."offset" AS "offset",
      "t0"."at" AS "at",
      "t0"."event" AS "event",
      "t0"."request_id" AS "request_id",
      "t0"."provider" AS "provider",
      "t0"."reason" AS "reason",
      "t0"."cause" AS "cause",
      "t0"."actor" AS "actor",
      "t0"."changes" AS "changes"
    FROM "others" AS "t0"
    WHERE
      "t0"."event" = 'CONFIG_CHANGED'
    UNION ALL
    SELECT
      "t0"."source" AS "source",
      "t0"."offset" AS "offset",
      "t0"."at" AS "at",
      "t0"."event" AS "event",
      "t0"."request_id" AS "request_id",
      "t0"."provider" AS "provider",
      "t0"."reason" AS "reason",
      "t0"."cause" AS "cause",
      "t0"."actor" AS "actor",
      "t0"."changes" AS "changes"
    FROM "others" AS "t0"
    WHERE
      "t0"."event" = 'BREAKER_TRANSITION'
  ) AS "t5"
  UNION ALL
  SELECT
    "t6"."source" AS "source",
    "t6"."offset" AS "offset",
    "t6"."at" AS "at",
    "t6"."event" AS "event",
    "t6"."request_id" AS "request_id",
    "t6"."provider" AS "provider",
    "t6"."reason" AS "reason",
    "t6"."cause" AS "cause",
    "t6"."actor" AS "actor",
    "t6"."changes" AS "changes"
  FROM (
    SELECT
      "t0"."source" AS "source",
      "t0"."offset" AS "offset",
      "t0"."at" AS "at",
      "t0"."event" AS "event",
      "t0"."request_id" AS "request_id",
      "t0"."provider" AS "provider",
      "t0"."reason" AS "reason",
      "t0"."cause" AS "cause",
      "t0"."actor" AS "actor",
      "t0"."changes" AS "changes"
    FROM "others" AS "t0"
    WHERE
      "t0"."event" = 'SERVICE_STARTED'
    UNION ALL
    SELECT
      "t0"."source" AS "source",
      "t0"."offset" AS "offset",
      "t0"."at" AS "at",
      "t0"."event" AS "event",
      "t0"."request_id" AS "request_id",
      "t0"."provider" AS "provider",
      "t0"."reason" AS "reason",
      "t0"."cause" AS "cause",
      "t0"."actor" AS "actor",
      "t0"."changes" AS "changes"
    FROM "others" AS "t0"
    WHERE
      "t0"."event" = 'SERVICE_STOPPED'
  ) AS "t6"
) AS "t7"
WHERE
  "t7"."at" >= CAST($start AS TIMESTAMP)
  AND "t7"."at" < CAST($end AS TIMESTAMP)
  AND NOT CASE
    WHEN (
      "t7"."event" = 'CONFIG_CHANGED'
    )
    AND CONTAINS(LOWER("t7"."changes"), 'order')
    THEN 'reorder'
    WHEN "t7"."event" = 'CONFIG_CHANGED'
    THEN 'config'
    WHEN (
      "t7"."event" = 'BREAKER_TRANSITION'
    )
    AND "t7"."cause" IN ('manual_reset', 'isolated', 'released')
    THEN 'reset'
    WHEN "t7"."event" = 'SERVICE_STARTED'
    THEN 'start'
    WHEN "t7"."event" = 'SERVICE_STOPPED'
    THEN 'stop'
    ELSE NULL
  END IS NULL
ORDER BY
  "t7"."at" ASC,
  "t7"."source" ASC,
  "t7"."offset" ASC;

-- attempts_by_bucket
SELECT
  "t2"."bucket_at" AS "bucket_at",
  "t2"."provider" AS "provider",
  "t2"."attempts" AS "attempts",
  "t2"."success" AS "success",
  "t2"."failed" AS "failed",
  "t2"."success" / NULLIF("t2"."attempts", 0) AS "success_rate",
  LIST_EXTRACT("t2"."times", 1) AS "p50_ms",
  LIST_EXTRACT("t2"."times", 2) AS "p95_ms"
FROM (
  SELECT
    TIME_BUCKET(TO_SECONDS($bucket_s), "t0"."at", CAST('epoch' AS TIMESTAMP)) AS "bucket_at",
    "t0"."provider" AS "provider",
    COUNT(*) AS "attempts",
    COUNT(*) FILTER(WHERE
      "t0"."status" = 'success') AS "success",
    COUNT(*) FILTER(WHERE
      "t0"."status" = 'failed') AS "failed",
    QUANTILE_CONT("t0"."generation_time_ms", [0.5, 0.95]) AS "times"
  FROM "attempts" AS "t0"
  WHERE
    "t0"."at" >= CAST($start AS TIMESTAMP)
    AND "t0"."at" < CAST($end AS TIMESTAMP)
    AND "t0"."status" <> 'cancelled'
  GROUP BY
    TIME_BUCKET(TO_SECONDS($bucket_s), "t0"."at", CAST('epoch' AS TIMESTAMP)),
    "t0"."provider"
) AS "t2"
ORDER BY
  "t2"."bucket_at" ASC,
  "t2"."provider" ASC;

-- attempts_by_bucket structured
SELECT
  "t2"."bucket_at" AS "bucket_at",
  "t2"."provider" AS "provider",
  "t2"."attempts" AS "attempts",
  "t2"."success" AS "success",
  "t2"."failed" AS "failed",
  "t2"."success" / NULLIF("t2"."attempts", 0) AS "success_rate",
  LIST_EXTRACT("t2"."times", 1) AS "p50_ms",
  LIST_EXTRACT("t2"."times", 2) AS "p95_ms"
FROM (
  SELECT
    TIME_BUCKET(TO_SECONDS($bucket_s), "t0"."at", CAST('epoch' AS TIMESTAMP)) AS "bucket_at",
    "t0"."provider" AS "provider",
    COUNT(*) AS "attempts",
    COUNT(*) FILTER(WHERE
      "t0"."status" = 'success') AS "success",
    COUNT(*) FILTER(WHERE
      "t0"."status" = 'failed') AS "failed",
    QUANTILE_CONT("t0"."generation_time_ms", [0.5, 0.95]) AS "times"
  FROM "attempts" AS "t0"
  WHERE
    "t0"."at" >= CAST($start AS TIMESTAMP)
    AND "t0"."at" < CAST($end AS TIMESTAMP)
    AND "t0"."status" <> 'cancelled'
  GROUP BY
    TIME_BUCKET(TO_SECONDS($bucket_s), "t0"."at", CAST('epoch' AS TIMESTAMP)),
    "t0"."provider"
) AS "t2"
ORDER BY
  "t2"."bucket_at" ASC,
  "t2"."provider" ASC;

-- attempts_ended
SELECT
  "t0"."at" AS "at",
  "t0"."provider" AS "provider",
  "t0"."status" AS "status",
  "t0"."generation_time_ms" AS "generation_time_ms"
FROM "attempts" AS "t0"
WHERE
  "t0"."at" >= CAST($start AS TIMESTAMP)
  AND "t0"."at" < CAST($end AS TIMESTAMP)
  AND "t0"."status" <> 'cancelled'
ORDER BY
  "t0"."at" ASC,
  "t0"."source" ASC,
  "t0"."offset" ASC;

-- attempts_ended structured
SELECT
  "t0"."at" AS "at",
  "t0"."provider" AS "provider",
  "t0"."status" AS "status",
  "t0"."generation_time_ms" AS "generation_time_ms"
FROM "attempts" AS "t0"
WHERE
  "t0"."at" >= CAST($start AS TIMESTAMP)
  AND "t0"."at" < CAST($end AS TIMESTAMP)
  AND "t0"."status" <> 'cancelled'
ORDER BY
  "t0"."at" ASC,
  "t0"."source" ASC,
  "t0"."offset" ASC;

-- circuit_intervals
WITH "t5" AS (
  SELECT
    "t1"."source" AS "source",
    "t1"."offset" AS "offset",
    "t1"."at" AS "at",
    "t1"."provider" AS "provider",
    "t1"."to_state" AS "to_state",
    "t1"."cause" AS "cause",
    "t1"."open_until" AS "open_until"
  FROM "others" AS "t1"
  WHERE
    "t1"."event" = 'BREAKER_TRANSITION' AND "t1"."plain"
), "t27" AS (
  SELECT
    "t1"."offset" AS "offset",
    "t1"."at" AS "at",
    "t1"."provider" AS "provider",
    "t1"."to_state" AS "to_state",
    "t1"."cause" AS "cause",
    "t1"."open_until" AS "open_until"
  FROM "others" AS "t1"
  WHERE
    "t1"."event" = 'BREAKER_TRANSITION' AND NOT (
      "t1"."plain"
    )
  UNION ALL
  SELECT
    "t23"."offset" AS "offset",
    "t23"."at" AS "at",
    "t23"."provider" AS "provider",
    "t23"."to_state" AS "to_state",
    "t23"."cause" AS "cause",
    "t23"."open_until" AS "open_until"
  FROM (
    SELECT
      "t15"."offset" AS "offset",
      "t15"."at" AS "at",
      "t15"."provider" AS "provider",
      "t15"."to_state" AS "to_state",
      "t15"."cause" AS "cause",
      "t15"."open_until" AS "open_until",
      "t10"."proof" AS "proof",
      LAG("t15"."to_state") OVER (
        PARTITION BY "t15"."source", "t15"."provider"
        ORDER BY "t15"."offset" ASC
        ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
      ) AS "before",
      COALESCE(
        LAG("t15"."offset") OVER (
          PARTITION BY "t15"."source", "t15"."provider"
          ORDER BY "t15"."offset" ASC
          ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ),
        -1
      ) AS "before_offset"
    FROM "t5" AS "t15"
    ASOF LEFT JOIN (
      SELECT
        "t0"."source" AS "source",
        "t0"."provider" AS "provider",
        "t0"."offset" AS "offset",
        "t0"."offset" AS "proof"
      FROM "attempts" AS "t0"
      WHERE
        "t0"."plain" AND "t0"."status" = 'success'
    ) AS "t10"
      ON "t15"."offset" >= "t10"."offset"
      AND "t15"."source" = "t10"."source"
      AND "t15"."provider" = "t10"."provider"
  ) AS "t23"
  WHERE
    (
      CASE
        WHEN COALESCE("t23"."proof" > "t23"."before_offset", FALSE)
        AND (
          "t23"."to_state" <> 'CLOSED'
        )
        THEN 'CLOSED'
        ELSE "t23"."before"
      END IS NULL
    )
    OR (
      CASE
        WHEN COALESCE("t23"."proof" > "t23"."before_offset", FALSE)
        AND (
          "t23"."to_state" <> 'CLOSED'
        )
        THEN 'CLOSED'
        ELSE "t23"."before"
      END <> "t23"."to_state"
    )
), "t35" AS (
  SELECT
    "t31"."provider" AS "provider",
    "t31"."at" AS "at",
    "t31"."offset" AS "offset",
    "t31"."state" AS "state",
    "t31"."cause" AS "cause",
    "t31"."open_until" AS "open_until",
    "t31"."inferred" AS "inferred"
  FROM (
    SELECT
      "t28"."provider" AS "provider",
      "t28"."at" AS "at",
      "t28"."offset" AS "offset",
      "t28"."to_state" AS "state",
      "t28"."cause" AS "cause",
      "t28"."open_until" AS "open_until",
      FALSE AS "inferred"
    FROM "t27" AS "t28"
    UNION ALL
    SELECT
      "t18"."provider" AS "provider",
      "t9"."at" AS "at",
      "t9"."offset" AS "offset",
      'CLOSED' AS "state",
      CAST(NULL AS TEXT) AS "cause",
      CAST(NULL AS TIMESTAMP) AS "open_until",
      TRUE AS "inferred"
    FROM (
      SELECT
        "t11"."source" AS "source",
        "t11"."offset" AS "offset",
        "t11"."provider" AS "provider",
        "t11"."to_state" AS "to_state",
        LEAD("t11"."offset") OVER (
          PARTITION BY "t11"."source", "t11"."provider"
          ORDER BY "t11"."offset" ASC
          ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) AS "until"
      FROM "t5" AS "t11"
    ) AS "t18"
    ASOF LEFT JOIN (
      SELECT
        "t0"."source" AS "source",
        "t0"."provider" AS "provider",
        "t0"."at" AS "at",
        "t0"."offset" AS "offset"
      FROM "attempts" AS "t0"
      WHERE
        "t0"."plain" AND "t0"."status" = 'success'
    ) AS "t9"
      ON "t18"."offset" <= "t9"."offset"
      AND "t18"."source" = "t9"."source"
      AND "t18"."provider" = "t9"."provider"
    WHERE
      (
        NOT "t9"."offset" IS NULL
        AND (
          (
            "t18"."until" IS NULL
          ) OR (
            "t9"."offset" < "t18"."until"
          )
        )
      )
      AND "t18"."to_state" <> 'CLOSED'
  ) AS "t31"
  UNION ALL
  SELECT
    "t19"."provider" AS "provider",
    "t19"."at" AS "at",
    "t19"."offset" AS "offset",
    'CLOSED' AS "state",
    CAST(NULL AS TEXT) AS "cause",
    CAST(NULL AS TIMESTAMP) AS "open_until",
    TRUE AS "inferred"
  FROM (
    SELECT
      "t0"."provider" AS "provider",
      MIN("t0"."at") AS "at",
      MIN("t0"."offset") AS "offset"
    FROM "attempts" AS "t0"
    WHERE
      (
        "t0"."circuit" = 'CLOSED'
      )
      OR (
        "t0"."plain" AND (
          "t0"."status" = 'success'
        )
      )
    GROUP BY
      "t0"."provider"
  ) AS "t19"
  LEFT OUTER JOIN (
    SELECT
      "t28"."provider" AS "provider",
      MIN("t28"."at") AS "first_at"
    FROM "t27" AS "t28"
    GROUP BY
      "t28"."provider"
  ) AS "t32"
    ON "t19"."provider" = "t32"."provider"
  WHERE
    (
      "t32"."first_at" IS NULL
    ) OR (
      "t19"."at" < "t32"."first_at"
    )
)
SELECT
  "t45"."provider" AS "provider",
  "t45"."state" AS "state",
  "t45"."start_at" AS "start_at",
  "t45"."end_at" AS "end_at",
  "t45"."cause" AS "cause",
  "t45"."open_until" AS "open_until",
  "t45"."inferred" AS "inferred"
FROM (
  SELECT
    "t44"."provider" AS "provider",
    "t44"."state" AS "state",
    "t44"."cause" AS "cause",
    "t44"."open_until" AS "open_until",
    "t44"."inferred" AS "inferred",
    LEAST(
      COALESCE(
        LEAD("t44"."at") OVER (
          PARTITION BY "t44"."provider"
          ORDER BY "t44"."at" ASC, "t44"."offset" ASC
          ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ),
        LEAST(CAST($end AS TIMESTAMP), CAST($at AS TIMESTAMP))
      ),
      LEAST(CAST($end AS TIMESTAMP), CAST($at AS TIMESTAMP))
    ) AS "end_at",
    GREATEST("t44"."at", CAST($start AS TIMESTAMP)) AS "start_at"
  FROM (
    SELECT
      "t42"."provider" AS "provider",
      "t42"."at" AS "at",
      "t42"."offset" AS "offset",
      "t42"."state" AS "state",
      "t42"."cause" AS "cause",
      "t42"."open_until" AS "open_until",
      "t42"."inferred" AS "inferred"
    FROM (
      SELECT
        "t41"."provider" AS "provider",
        "t41"."at" AS "at",
        "t41"."offset" AS "offset",
        "t41"."state" AS "state",
        "t41"."cause" AS "cause",
        "t41"."open_until" AS "open_until",
        "t41"."inferred" AS "inferred",
        LAG("t41"."state") OVER (
          PARTITION BY "t41"."provider"
          ORDER BY "t41"."at" ASC, "t41"."offset" ASC
          ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) AS "before"
      FROM (
        SELECT
          "t36"."provider" AS "provider",
          "t36"."at" AS "at",
          "t36"."offset" AS "offset",
          "t36"."state" AS "state",
          "t36"."cause" AS "cause",
          "t36"."open_until" AS "open_until",
          "t36"."inferred" AS "inferred"
        FROM "t35" AS "t36"
        UNION ALL
        SELECT
          "t38"."provider" AS "provider",
          "t1"."at" AS "at",
          "t1"."offset" AS "offset",
          'CLOSED' AS "state",
          'service_started' AS "cause",
          CAST(NULL AS TIMESTAMP) AS "open_until",
          TRUE AS "inferred"
        FROM "others" AS "t1"
        CROSS JOIN (
          SELECT
            "t36"."provider" AS "provider",
            MIN("t36"."at") AS "first_at"
          FROM "t35" AS "t36"
          GROUP BY
            "t36"."provider"
        ) AS "t38"
        WHERE
          "t1"."at" > "t38"."first_at" AND "t1"."event" = 'SERVICE_STARTED'
      ) AS "t41"
    ) AS "t42"
    WHERE
      (
        (
          "t42"."before" IS NULL
        ) OR (
          "t42"."before" <> "t42"."state"
        )
      )
      AND "t42"."at" < LEAST(CAST($end AS TIMESTAMP), CAST($at AS TIMESTAMP))
    UNION ALL
    SELECT
      "t13"."provider" AS "provider",
      MAKE_TIMESTAMP(1970, 1, 1, 0, 0, 0.0) AS "at",
      -1 AS "offset",
      'UNKNOWN' AS "state",
      CAST(NULL AS TEXT) AS "cause",
      CAST(NULL AS TIMESTAMP) AS "open_until",
      TRUE AS "inferred"
    FROM (
      SELECT
        "t0"."provider" AS "provider"
      FROM "attempts" AS "t0"
      WHERE
        "t0"."at" < LEAST(CAST($end AS TIMESTAMP), CAST($at AS TIMESTAMP))
      UNION
      SELECT
        "t1"."provider" AS "provider"
      FROM "others" AS "t1"
      WHERE
        "t1"."event" = 'BREAKER_TRANSITION'
        AND "t1"."at" < LEAST(CAST($end AS TIMESTAMP), CAST($at AS TIMESTAMP))
    ) AS "t13"
  ) AS "t44"
) AS "t45"
WHERE
  "t45"."end_at" > "t45"."start_at"
ORDER BY
  "t45"."provider" ASC,
  "t45"."start_at" ASC;

-- circuit_intervals structured
WITH "t17" AS (
  SELECT
    "t1"."provider" AS "provider",
    "t1"."at" AS "at",
    "t1"."offset" AS "offset",
    "t1"."to_state" AS "state",
    "t1"."cause" AS "cause",
    "t1"."open_until" AS "open_until",
    FALSE AS "inferred"
  FROM "others" AS "t1"
  WHERE
    "t1"."event" = 'BREAKER_TRANSITION' AND NOT (
      "t1"."plain"
    )
  UNION ALL
  SELECT
    "t14"."provider" AS "provider",
    "t14"."at" AS "at",
    "t14"."offset" AS "offset",
    'CLOSED' AS "state",
    CAST(NULL AS TEXT) AS "cause",
    CAST(NULL AS TIMESTAMP) AS "open_until",
    TRUE AS "inferred"
  FROM (
    SELECT
      "t0"."provider" AS "provider",
      MIN("t0"."at") AS "at",
      MIN("t0"."offset") AS "offset"
    FROM "attempts" AS "t0"
    WHERE
      (
        "t0"."circuit" = 'CLOSED'
      )
      OR (
        "t0"."plain" AND (
          "t0"."status" = 'success'
        )
      )
    GROUP BY
      "t0"."provider"
  ) AS "t14"
  LEFT OUTER JOIN (
    SELECT
      "t1"."provider" AS "provider",
      MIN("t1"."at") AS "first_at"
    FROM "others" AS "t1"
    WHERE
      "t1"."event" = 'BREAKER_TRANSITION' AND NOT (
        "t1"."plain"
      )
    GROUP BY
      "t1"."provider"
  ) AS "t12"
    ON "t14"."provider" = "t12"."provider"
  WHERE
    (
      "t12"."first_at" IS NULL
    ) OR (
      "t14"."at" < "t12"."first_at"
    )
)
SELECT
  "t27"."provider" AS "provider",
  "t27"."state" AS "state",
  "t27"."start_at" AS "start_at",
  "t27"."end_at" AS "end_at",
  "t27"."cause" AS "cause",
  "t27"."open_until" AS "open_until",
  "t27"."inferred" AS "inferred"
FROM (
  SELECT
    "t26"."provider" AS "provider",
    "t26"."state" AS "state",
    "t26"."cause" AS "cause",
    "t26"."open_until" AS "open_until",
    "t26"."inferred" AS "inferred",
    LEAST(
      COALESCE(
        LEAD("t26"."at") OVER (
          PARTITION BY "t26"."provider"
          ORDER BY "t26"."at" ASC, "t26"."offset" ASC
          ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ),
        LEAST(CAST($end AS TIMESTAMP), CAST($at AS TIMESTAMP))
      ),
      LEAST(CAST($end AS TIMESTAMP), CAST($at AS TIMESTAMP))
    ) AS "end_at",
    GREATEST("t26"."at", CAST($start AS TIMESTAMP)) AS "start_at"
  FROM (
    SELECT
      "t24"."provider" AS "provider",
      "t24"."at" AS "at",
      "t24"."offset" AS "offset",
      "t24"."state" AS "state",
      "t24"."cause" AS "cause",
      "t24"."open_until" AS "open_until",
      "t24"."inferred" AS "inferred"
    FROM (
      SELECT
        "t23"."provider" AS "provider",
        "t23"."at" AS "at",
        "t23"."offset" AS "offset",
        "t23"."state" AS "state",
        "t23"."cause" AS "cause",
        "t23"."open_until" AS "open_until",
        "t23"."inferred" AS "inferred",
        LAG("t23"."state") OVER (
          PARTITION BY "t23"."provider"
          ORDER BY "t23"."at" ASC, "t23"."offset" ASC
          ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) AS "before"
      FROM (
        SELECT
          "t18"."provider" AS "provider",
          "t18"."at" AS "at",
          "t18"."offset" AS "offset",
          "t18"."state" AS "state",
          "t18"."cause" AS "cause",
          "t18"."open_until" AS "open_until",
          "t18"."inferred" AS "inferred"
        FROM "t17" AS "t18"
        UNION ALL
        SELECT
          "t20"."provider" AS "provider",
          "t1"."at" AS "at",
          "t1"."offset" AS "offset",
          'CLOSED' AS "state",
          'service_started' AS "cause",
          CAST(NULL AS TIMESTAMP) AS "open_until",
          TRUE AS "inferred"
        FROM "others" AS "t1"
        CROSS JOIN (
          SELECT
            "t18"."provider" AS "provider",
            MIN("t18"."at") AS "first_at"
          FROM "t17" AS "t18"
          GROUP BY
            "t18"."provider"
        ) AS "t20"
        WHERE
          "t1"."at" > "t20"."first_at" AND "t1"."event" = 'SERVICE_STARTED'
      ) AS "t23"
    ) AS "t24"
    WHERE
      (
        (
          "t24"."before" IS NULL
        ) OR (
          "t24"."before" <> "t24"."state"
        )
      )
      AND "t24"."at" < LEAST(CAST($end AS TIMESTAMP), CAST($at AS TIMESTAMP))
    UNION ALL
    SELECT
      "t8"."provider" AS "provider",
      MAKE_TIMESTAMP(1970, 1, 1, 0, 0, 0.0) AS "at",
      -1 AS "offset",
      'UNKNOWN' AS "state",
      CAST(NULL AS TEXT) AS "cause",
      CAST(NULL AS TIMESTAMP) AS "open_until",
      TRUE AS "inferred"
    FROM (
      SELECT
        "t0"."provider" AS "provider"
      FROM "attempts" AS "t0"
      WHERE
        "t0"."at" < LEAST(CAST($end AS TIMESTAMP), CAST($at AS TIMESTAMP))
      UNION
      SELECT
        "t1"."provider" AS "provider"
      FROM "others" AS "t1"
      WHERE
        "t1"."event" = 'BREAKER_TRANSITION'
        AND "t1"."at" < LEAST(CAST($end AS TIMESTAMP), CAST($at AS TIMESTAMP))
    ) AS "t8"
  ) AS "t26"
) AS "t27"
WHERE
  "t27"."end_at" > "t27"."start_at"
ORDER BY
  "t27"."provider" ASC,
  "t27"."start_at" ASC;

-- circuit_transitions
SELECT
  "t10"."at" AS "at",
  "t10"."provider" AS "provider",
  "t10"."from_state" AS "from_state",
  "t10"."to_state" AS "to_state",
  "t10"."cause" AS "cause",
  "t10"."failures" AS "failures",
  "t10"."open_until" AS "open_until",
  "t10"."trigger_request_ids" AS "request_ids"
FROM (
  SELECT
    "t0"."source" AS "source",
    "t0"."offset" AS "offset",
    "t0"."at" AS "at",
    "t0"."provider" AS "provider",
    "t0"."from_state" AS "from_state",
    "t0"."to_state" AS "to_state",
    "t0"."cause" AS "cause",
    "t0"."failures" AS "failures",
    "t0"."open_until" AS "open_until",
    "t0"."trigger_request_ids" AS "trigger_request_ids"
  FROM "others" AS "t0"
  WHERE
    "t0"."event" = 'BREAKER_TRANSITION' AND NOT (
      "t0"."plain"
    )
  UNION ALL
  SELECT
    "t8"."source" AS "source",
    "t8"."offset" AS "offset",
    "t8"."at" AS "at",
    "t8"."provider" AS "provider",
    CASE
      WHEN COALESCE("t8"."proof" > "t8"."before_offset", FALSE)
      AND (
        "t8"."to_state" <> 'CLOSED'
      )
      THEN 'CLOSED'
      ELSE "t8"."before"
    END AS "from_state",
    "t8"."to_state" AS "to_state",
    "t8"."cause" AS "cause",
    "t8"."failures" AS "failures",
    "t8"."open_until" AS "open_until",
    "t8"."trigger_request_ids" AS "trigger_request_ids"
  FROM (
    SELECT
      "t0"."source" AS "source",
      "t0"."offset" AS "offset",
      "t0"."at" AS "at",
      "t0"."provider" AS "provider",
      "t0"."to_state" AS "to_state",
      "t0"."cause" AS "cause",
      "t0"."failures" AS "failures",
      "t0"."open_until" AS "open_until",
      "t0"."trigger_request_ids" AS "trigger_request_ids",
      "t6"."proof" AS "proof",
      LAG("t0"."to_state") OVER (
        PARTITION BY "t0"."source", "t0"."provider"
        ORDER BY "t0"."offset" ASC
        ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
      ) AS "before",
      COALESCE(
        LAG("t0"."offset") OVER (
          PARTITION BY "t0"."source", "t0"."provider"
          ORDER BY "t0"."offset" ASC
          ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ),
        -1
      ) AS "before_offset"
    FROM "others" AS "t0"
    ASOF LEFT JOIN (
      SELECT
        "t1"."source" AS "source",
        "t1"."provider" AS "provider",
        "t1"."offset" AS "offset",
        "t1"."offset" AS "proof"
      FROM "attempts" AS "t1"
      WHERE
        "t1"."plain" AND "t1"."status" = 'success'
    ) AS "t6"
      ON "t0"."offset" >= "t6"."offset"
      AND "t0"."source" = "t6"."source"
      AND "t0"."provider" = "t6"."provider"
    WHERE
      "t0"."event" = 'BREAKER_TRANSITION' AND "t0"."plain"
  ) AS "t8"
  WHERE
    (
      CASE
        WHEN COALESCE("t8"."proof" > "t8"."before_offset", FALSE)
        AND (
          "t8"."to_state" <> 'CLOSED'
        )
        THEN 'CLOSED'
        ELSE "t8"."before"
      END IS NULL
    )
    OR (
      CASE
        WHEN COALESCE("t8"."proof" > "t8"."before_offset", FALSE)
        AND (
          "t8"."to_state" <> 'CLOSED'
        )
        THEN 'CLOSED'
        ELSE "t8"."before"
      END <> "t8"."to_state"
    )
) AS "t10"
WHERE
  "t10"."at" >= CAST($start AS TIMESTAMP)
  AND "t10"."at" < CAST($end AS TIMESTAMP)
ORDER BY
  "t10"."at" ASC,
  "t10"."source" ASC,
  "t10"."offset" ASC;

-- circuit_transitions structured
SELECT
  "t0"."at" AS "at",
  "t0"."provider" AS "provider",
  "t0"."from_state" AS "from_state",
  "t0"."to_state" AS "to_state",
  "t0"."cause" AS "cause",
  "t0"."failures" AS "failures",
  "t0"."open_until" AS "open_until",
  "t0"."trigger_request_ids" AS "request_ids"
FROM "others" AS "t0"
WHERE
  "t0"."event" = 'BREAKER_TRANSITION'
  AND NOT (
    "t0"."plain"
  )
  AND "t0"."at" >= CAST($start AS TIMESTAMP)
  AND "t0"."at" < CAST($end AS TIMESTAMP)
ORDER BY
  "t0"."at" ASC,
  "t0"."source" ASC,
  "t0"."offset" ASC;

-- config_changes
SELECT
  "t0"."at" AS "at",
  "t0"."actor" AS "actor",
  "t0"."reason" AS "reason",
  "t0"."origin" AS "origin",
  "t0"."changes" AS "changes",
  TRY_CAST("t0"."version" AS BIGINT) AS "version"
FROM "others" AS "t0"
WHERE
  "t0"."event" = 'CONFIG_CHANGED'
  AND "t0"."at" >= CAST($start AS TIMESTAMP)
  AND "t0"."at" < CAST($end AS TIMESTAMP)
ORDER BY
  "t0"."at" ASC,
  "t0"."source" ASC,
  "t0"."offset" ASC;

-- config_changes structured
SELECT
  "t0"."at" AS "at",
  "t0"."actor" AS "actor",
  "t0"."reason" AS "reason",
  "t0"."origin" AS "origin",
  "t0"."changes" AS "changes",
  TRY_CAST("t0"."version" AS BIGINT) AS "version"
FROM "others" AS "t0"
WHERE
  "t0"."event" = 'CONFIG_CHANGED'
  AND "t0"."at" >= CAST($start AS TIMESTAMP)
  AND "t0"."at" < CAST($end AS TIMESTAMP)
ORDER BY
  "t0"."at" ASC,
  "t0"."source" ASC,
  "t0"."offset" ASC;

-- failures_by_reason
SELECT
  "t10"."provider" AS "provider",
  "t10"."reason" AS "reason",
  "t10"."http_status" AS "http_status",
  "t10"."n" AS "n"
FROM (
  SELECT
    "t9"."provider" AS "provider",
    "t9"."reason" AS "reason",
    "t9"."http_status" AS "http_status",
    COUNT(*) AS "n"
  FROM (
    SELECT
      "t0"."provider" AS "provider",
      "t0"."reason" AS "reason",
      "t0"."http_status" AS "http_status"
    FROM "attempts" AS "t0"
    WHERE
      "t0"."at" >= CAST($start AS TIMESTAMP)
      AND "t0"."at" < CAST($end AS TIMESTAMP)
      AND NOT (
        "t0"."plain"
      )
      AND "t0"."status" = 'failed'
    UNION ALL
    SELECT
      "t7"."provider" AS "provider",
      CASE WHEN "t7"."told" THEN "t7"."reason_after" ELSE "t7"."reason" END AS "reason",
      CASE WHEN "t7"."told" THEN "t7"."status_after" ELSE "t7"."http_status" END AS "http_status"
    FROM (
      SELECT
        "t5"."provider" AS "provider",
        "t5"."reason" AS "reason",
        "t5"."http_status" AS "http_status",
        "t5"."failed" AS "failed",
        (
          "t5"."event" = 'LLM_ATTEMPT'
        )
        AND "t5"."failed"
        AND (
          "t5"."reason" IS NULL
        )
        AND COALESCE(
          LEAD("t5"."event") OVER (
            PARTITION BY "t5"."source"
            ORDER BY "t5"."offset" ASC
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
          ) = 'PROVIDER_FAILED',
          FALSE
        ) AS "told",
        LEAD("t5"."reason") OVER (
          PARTITION BY "t5"."source"
          ORDER BY "t5"."offset" ASC
          ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) AS "reason_after",
        LEAD("t5"."http_status") OVER (
          PARTITION BY "t5"."source"
          ORDER BY "t5"."offset" ASC
          ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) AS "status_after",
        (
          "t5"."event" = 'PROVIDER_FAILED'
        )
        AND COALESCE(
          LAG(
            (
              "t5"."event" = 'LLM_ATTEMPT'
            )
            AND "t5"."failed"
            AND (
              "t5"."reason" IS NULL
            )
          ) OVER (
            PARTITION BY "t5"."source"
            ORDER BY "t5"."offset" ASC
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
          ),
          FALSE
        ) AS "tells"
      FROM (
        SELECT
          "t0"."source" AS "source",
          "t0"."offset" AS "offset",
          'LLM_ATTEMPT' AS "event",
          "t0"."provider" AS "provider",
          "t0"."reason" AS "reason",
          "t0"."http_status" AS "http_status",
          "t0"."status" = 'failed' AS "failed"
        FROM "attempts" AS "t0"
        WHERE
          "t0"."at" >= CAST($start AS TIMESTAMP)
          AND "t0"."at" < CAST($end AS TIMESTAMP)
          AND "t0"."plain"
        UNION ALL
        SELECT
          "t1"."source" AS "source",
          "t1"."offset" AS "offset",
          "t1"."event" AS "event",
          "t1"."provider" AS "provider",
          "t1"."reason" AS "reason",
          "t1"."http_status" AS "http_status",
          TRUE AS "failed"
        FROM "others" AS "t1"
        WHERE
          "t1"."event" = 'PROVIDER_FAILED'
          AND "t1"."at" >= CAST($start AS TIMESTAMP)
          AND "t1"."at" < CAST($end AS TIMESTAMP)
      ) AS "t5"
    ) AS "t7"
    WHERE
      "t7"."failed" AND NOT (
        "t7"."tells"
      )
  ) AS "t9"
  GROUP BY
    "t9"."provider",
    "t9"."reason",
    "t9"."http_status"
) AS "t10"
ORDER BY
  "t10"."n" DESC,
  "t10"."provider" ASC,
  "t10"."reason" ASC,
  "t10"."http_status" ASC;

-- failures_by_reason structured
SELECT
  "t2"."provider" AS "provider",
  "t2"."reason" AS "reason",
  "t2"."http_status" AS "http_status",
  "t2"."n" AS "n"
FROM (
  SELECT
    "t0"."provider" AS "provider",
    "t0"."reason" AS "reason",
    "t0"."http_status" AS "http_status",
    COUNT(*) AS "n"
  FROM "attempts" AS "t0"
  WHERE
    "t0"."at" >= CAST($start AS TIMESTAMP)
    AND "t0"."at" < CAST($end AS TIMESTAMP)
    AND NOT (
      "t0"."plain"
    )
    AND "t0"."status" = 'failed'
  GROUP BY
    "t0"."provider",
    "t0"."reason",
    "t0"."http_status"
) AS "t2"
ORDER BY
  "t2"."n" DESC,
  "t2"."provider" ASC,
  "t2"."reason" ASC,
  "t2"."http_status" ASC;

-- fallbacks_by_reason
SELECT
  "t2"."reason" AS "reason",
  "t2"."from_provider" AS "from_provider",
  "t2"."to_provider" AS "to_provider",
  "t2"."n" AS "n"
FROM (
  SELECT
    "t0"."reason" AS "reason",
    "t0"."from_provider" AS "from_provider",
    "t0"."to_provider" AS "to_provider",
    COUNT(*) AS "n"
  FROM "fallbacks" AS "t0"
  WHERE
    "t0"."at" >= CAST($start AS TIMESTAMP)
    AND "t0"."at" < CAST($end AS TIMESTAMP)
  GROUP BY
    "t0"."reason",
    "t0"."from_provider",
    "t0"."to_provider"
) AS "t2"
ORDER BY
  "t2"."n" DESC,
  "t2"."reason" ASC,
  "t2"."from_provider" ASC,
  "t2"."to_provider" ASC;

-- fallbacks_by_reason structured
SELECT
  "t2"."reason" AS "reason",
  "t2"."from_provider" AS "from_provider",
  "t2"."to_provider" AS "to_provider",
  "t2"."n" AS "n"
FROM (
  SELECT
    "t0"."reason" AS "reason",
    "t0"."from_provider" AS "from_provider",
    "t0"."to_provider" AS "to_provider",
    COUNT(*) AS "n"
  FROM "fallbacks" AS "t0"
  WHERE
    "t0"."at" >= CAST($start AS TIMESTAMP)
    AND "t0"."at" < CAST($end AS TIMESTAMP)
  GROUP BY
    "t0"."reason",
    "t0"."from_provider",
    "t0"."to_provider"
) AS "t2"
ORDER BY
  "t2"."n" DESC,
  "t2"."reason" ASC,
  "t2"."from_provider" ASC,
  "t2"."to_provider" ASC;

-- grounding_failures
SELECT
  COUNT(*) AS "requests",
  COUNT(*) FILTER(WHERE
    (
      "t2"."blocked" = 0
    ) AND (
      "t2"."flagged" = 1
    )) AS "once",
  COUNT(*) FILTER(WHERE
    (
      "t2"."blocked" = 0
    ) AND (
      "t2"."flagged" > 1
    )) AS "let_through",
  COUNT(*) FILTER(WHERE
    "t2"."blocked" > 0) AS "refused"
FROM (
  SELECT
    COUNT(*) FILTER(WHERE
      "t0"."action" = 'flagged') AS "flagged",
    COUNT(*) FILTER(WHERE
      "t0"."action" = 'blocked') AS "blocked"
  FROM "others" AS "t0"
  WHERE
    "t0"."event" = 'GUARD_TRIGGERED'
    AND "t0"."at" >= CAST($start AS TIMESTAMP)
    AND "t0"."at" < CAST($end AS TIMESTAMP)
    AND "t0"."guard" = 'grounding'
  GROUP BY
    "t0"."request_id"
) AS "t2"
WHERE
  (
    "t2"."flagged" + "t2"."blocked"
  ) > 0;

-- grounding_failures structured
SELECT
  COUNT(*) AS "requests",
  COUNT(*) FILTER(WHERE
    (
      "t2"."blocked" = 0
    ) AND (
      "t2"."flagged" = 1
    )) AS "once",
  COUNT(*) FILTER(WHERE
    (
      "t2"."blocked" = 0
    ) AND (
      "t2"."flagged" > 1
    )) AS "let_through",
  COUNT(*) FILTER(WHERE
    "t2"."blocked" > 0) AS "refused"
FROM (
  SELECT
    COUNT(*) FILTER(WHERE
      "t0"."action" = 'flagged') AS "flagged",
    COUNT(*) FILTER(WHERE
      "t0"."action" = 'blocked') AS "blocked"
  FROM "others" AS "t0"
  WHERE
    "t0"."event" = 'GUARD_TRIGGERED'
    AND "t0"."at" >= CAST($start AS TIMESTAMP)
    AND "t0"."at" < CAST($end AS TIMESTAMP)
    AND "t0"."guard" = 'grounding'
  GROUP BY
    "t0"."request_id"
) AS "t2"
WHERE
  (
    "t2"."flagged" + "t2"."blocked"
  ) > 0;

-- guard_actions
SELECT
  "t2"."guard" AS "guard",
  "t2"."action" AS "action",
  "t2"."guard_where" AS "guard_where",
  "t2"."times" AS "times",
  "t2"."requests" AS "requests"
FROM (
  SELECT
    CASE
      WHEN "t0"."guard" IS NULL
      THEN CAST(NULL AS TEXT)
      WHEN "t0"."guard" IN ('pii', 'injection', 'grounding')
      THEN "t0"."guard"
      ELSE 'other'
    END AS "guard",
    CASE
      WHEN "t0"."action" IS NULL
      THEN CAST(NULL AS TEXT)
      WHEN "t0"."action" IN ('redacted', 'blocked', 'flagged')
      THEN "t0"."action"
      ELSE 'other'
    END AS "action",
    CASE
      WHEN "t0"."guard_where" IS NULL
      THEN CAST(NULL AS TEXT)
      WHEN "t0"."guard_where" IN ('input', 'context', 'answer')
      THEN "t0"."guard_where"
      ELSE 'other'
    END AS "guard_where",
    COUNT(*) AS "times",
    COUNT(DISTINCT "t0"."request_id") AS "requests"
  FROM "others" AS "t0"
  WHERE
    "t0"."event" = 'GUARD_TRIGGERED'
    AND "t0"."at" >= CAST($start AS TIMESTAMP)
    AND "t0"."at" < CAST($end AS TIMESTAMP)
  GROUP BY
    CASE
      WHEN "t0"."guard" IS NULL
      THEN CAST(NULL AS TEXT)
      WHEN "t0"."guard" IN ('pii', 'injection', 'grounding')
      THEN "t0"."guard"
      ELSE 'other'
    END,
    CASE
      WHEN "t0"."action" IS NULL
      THEN CAST(NULL AS TEXT)
      WHEN "t0"."action" IN ('redacted', 'blocked', 'flagged')
      THEN "t0"."action"
      ELSE 'other'
    END,
    CASE
      WHEN "t0"."guard_where" IS NULL
      THEN CAST(NULL AS TEXT)
      WHEN "t0"."guard_where" IN ('input', 'context', 'answer')
      THEN "t0"."guard_where"
      ELSE 'other'
    END
) AS "t2"
ORDER BY
  "t2"."guard" ASC,
  "t2"."action" ASC,
  "t2"."guard_where" ASC;

-- guard_actions structured
SELECT
  "t2"."guard" AS "guard",
  "t2"."action" AS "action",
  "t2"."guard_where" AS "guard_where",
  "t2"."times" AS "times",
  "t2"."requests" AS "requests"
FROM (
  SELECT
    CASE
      WHEN "t0"."guard" IS NULL
      THEN CAST(NULL AS TEXT)
      WHEN "t0"."guard" IN ('pii', 'injection', 'grounding')
      THEN "t0"."guard"
      ELSE 'other'
    END AS "guard",
    CASE
      WHEN "t0"."action" IS NULL
      THEN CAST(NULL AS TEXT)
      WHEN "t0"."action" IN ('redacted', 'blocked', 'flagged')
      THEN "t0"."action"
      ELSE 'other'
    END AS "action",
    CASE
      WHEN "t0"."guard_where" IS NULL
      THEN CAST(NULL AS TEXT)
      WHEN "t0"."guard_where" IN ('input', 'context', 'answer')
      THEN "t0"."guard_where"
      ELSE 'other'
    END AS "guard_where",
    COUNT(*) AS "times",
    COUNT(DISTINCT "t0"."request_id") AS "requests"
  FROM "others" AS "t0"
  WHERE
    "t0"."event" = 'GUARD_TRIGGERED'
    AND "t0"."at" >= CAST($start AS TIMESTAMP)
    AND "t0"."at" < CAST($end AS TIMESTAMP)
  GROUP BY
    CASE
      WHEN "t0"."guard" IS NULL
      THEN CAST(NULL AS TEXT)
      WHEN "t0"."guard" IN ('pii', 'injection', 'grounding')
      THEN "t0"."guard"
      ELSE 'other'
    END,
    CASE
      WHEN "t0"."action" IS NULL
      THEN CAST(NULL AS TEXT)
      WHEN "t0"."action" IN ('redacted', 'blocked', 'flagged')
      THEN "t0"."action"
      ELSE 'other'
    END,
    CASE
      WHEN "t0"."guard_where" IS NULL
      THEN CAST(NULL AS TEXT)
      WHEN "t0"."guard_where" IN ('input', 'context', 'answer')
      THEN "t0"."guard_where"
      ELSE 'other'
    END
) AS "t2"
ORDER BY
  "t2"."guard" ASC,
  "t2"."action" ASC,
  "t2"."guard_where" ASC;

-- guard_actions_by_bucket
SELECT
  "t2"."bucket_at" AS "bucket_at",
  "t2"."guard" AS "guard",
  "t2"."action" AS "action",
  "t2"."guard_where" AS "guard_where",
  "t2"."times" AS "times"
FROM (
  SELECT
    TIME_BUCKET(TO_SECONDS($bucket_s), "t0"."at", CAST('epoch' AS TIMESTAMP)) AS "bucket_at",
    CASE
      WHEN "t0"."guard" IS NULL
      THEN CAST(NULL AS TEXT)
      WHEN "t0"."guard" IN ('pii', 'injection', 'grounding')
      THEN "t0"."guard"
      ELSE 'other'
    END AS "guard",
    CASE
      WHEN "t0"."action" IS NULL
      THEN CAST(NULL AS TEXT)
      WHEN "t0"."action" IN ('redacted', 'blocked', 'flagged')
      THEN "t0"."action"
      ELSE 'other'
    END AS "action",
    CASE
      WHEN "t0"."guard_where" IS NULL
      THEN CAST(NULL AS TEXT)
      WHEN "t0"."guard_where" IN ('input', 'context', 'answer')
      THEN "t0"."guard_where"
      ELSE 'other'
    END AS "guard_where",
    COUNT(*) AS "times"
  FROM "others" AS "t0"
  WHERE
    "t0"."event" = 'GUARD_TRIGGERED'
    AND "t0"."at" >= CAST($start AS TIMESTAMP)
    AND "t0"."at" < CAST($end AS TIMESTAMP)
  GROUP BY
    TIME_BUCKET(TO_SECONDS($bucket_s), "t0"."at", CAST('epoch' AS TIMESTAMP)),
    CASE
      WHEN "t0"."guard" IS NULL
      THEN CAST(NULL AS TEXT)
      WHEN "t0"."guard" IN ('pii', 'injection', 'grounding')
      THEN "t0"."guard"
      ELSE 'other'
    END,
    CASE
      WHEN "t0"."action" IS NULL
      THEN CAST(NULL AS TEXT)
      WHEN "t0"."action" IN ('redacted', 'blocked', 'flagged')
      THEN "t0"."action"
      ELSE 'other'
    END,
    CASE
      WHEN "t0"."guard_where" IS NULL
      THEN CAST(NULL AS TEXT)
      WHEN "t0"."guard_where" IN ('input', 'context', 'answer')
      THEN "t0"."guard_where"
      ELSE 'other'
    END
) AS "t2"
ORDER BY
  "t2"."bucket_at" ASC,
  "t2"."guard" ASC,
  "t2"."action" ASC,
  "t2"."guard_where" ASC;

-- guard_actions_by_bucket structured
SELECT
  "t2"."bucket_at" AS "bucket_at",
  "t2"."guard" AS "guard",
  "t2"."action" AS "action",
  "t2"."guard_where" AS "guard_where",
  "t2"."times" AS "times"
FROM (
  SELECT
    TIME_BUCKET(TO_SECONDS($bucket_s), "t0"."at", CAST('epoch' AS TIMESTAMP)) AS "bucket_at",
    CASE
      WHEN "t0"."guard" IS NULL
      THEN CAST(NULL AS TEXT)
      WHEN "t0"."guard" IN ('pii', 'injection', 'grounding')
      THEN "t0"."guard"
      ELSE 'other'
    END AS "guard",
    CASE
      WHEN "t0"."action" IS NULL
      THEN CAST(NULL AS TEXT)
      WHEN "t0"."action" IN ('redacted', 'blocked', 'flagged')
      THEN "t0"."action"
      ELSE 'other'
    END AS "action",
    CASE
      WHEN "t0"."guard_where" IS NULL
      THEN CAST(NULL AS TEXT)
      WHEN "t0"."guard_where" IN ('input', 'context', 'answer')
      THEN "t0"."guard_where"
      ELSE 'other'
    END AS "guard_where",
    COUNT(*) AS "times"
  FROM "others" AS "t0"
  WHERE
    "t0"."event" = 'GUARD_TRIGGERED'
    AND "t0"."at" >= CAST($start AS TIMESTAMP)
    AND "t0"."at" < CAST($end AS TIMESTAMP)
  GROUP BY
    TIME_BUCKET(TO_SECONDS($bucket_s), "t0"."at", CAST('epoch' AS TIMESTAMP)),
    CASE
      WHEN "t0"."guard" IS NULL
      THEN CAST(NULL AS TEXT)
      WHEN "t0"."guard" IN ('pii', 'injection', 'grounding')
      THEN "t0"."guard"
      ELSE 'other'
    END,
    CASE
      WHEN "t0"."action" IS NULL
      THEN CAST(NULL AS TEXT)
      WHEN "t0"."action" IN ('redacted', 'blocked', 'flagged')
      THEN "t0"."action"
      ELSE 'other'
    END,
    CASE
      WHEN "t0"."guard_where" IS NULL
      THEN CAST(NULL AS TEXT)
      WHEN "t0"."guard_where" IN ('input', 'context', 'answer')
      THEN "t0"."guard_where"
      ELSE 'other'
    END
) AS "t2"
ORDER BY
  "t2"."bucket_at" ASC,
  "t2"."guard" ASC,
  "t2"."action" ASC,
  "t2"."guard_where" ASC;

-- guard_findings
SELECT
  "t7"."guard" AS "guard",
  "t7"."action" AS "action",
  "t7"."guard_where" AS "guard_where",
  "t7"."kind" AS "kind",
  "t7"."kinds" AS "kinds",
  "t7"."n" AS "n"
FROM (
  SELECT
    "t6"."guard" AS "guard",
    "t6"."action" AS "action",
    "t6"."guard_where" AS "guard_where",
    "t6"."kind" AS "kind",
    COUNT(*) AS "kinds",
    SUM("t6"."n") AS "n"
  FROM (
    SELECT
      "t3"."guard" AS "guard",
      "t3"."action" AS "action",
      "t3"."guard_where" AS "guard_where",
      CASE
        WHEN (
          ROW_NUMBER() OVER (
            PARTITION BY "t3"."guard", "t3"."action", "t3"."guard_where"
            ORDER BY "t3"."n" DESC, "t3"."kind" ASC
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
          ) - 1
        ) < 10
        THEN "t3"."kind"
        ELSE CAST(NULL AS TEXT)
      END AS "kind",
      "t3"."n" AS "n"
    FROM (
      SELECT
        "t1"."guard" AS "guard",
        "t1"."action" AS "action",
        "t1"."guard_where" AS "guard_where",
        "ibis_table_unnest"."ibis_table_unnest_column"."f1" AS "kind",
        SUM(
          "ibis_table_unnest"."ibis_table_unnest_column"."f2"
        ) AS "n"
      FROM (
        SELECT
          CASE
            WHEN "t0"."guard" IS NULL
            THEN CAST(NULL AS TEXT)
            WHEN "t0"."guard" IN ('pii', 'injection', 'grounding')
            THEN "t0"."guard"
            ELSE 'other'
          END AS "guard",
          CASE
            WHEN "t0"."action" IS NULL
            THEN CAST(NULL AS TEXT)
            WHEN "t0"."action" IN ('redacted', 'blocked', 'flagged')
            THEN "t0"."action"
            ELSE 'other'
          END AS "action",
          CASE
            WHEN "t0"."guard_where" IS NULL
            THEN CAST(NULL AS TEXT)
            WHEN "t0"."guard_where" IN ('input', 'context', 'answer')
            THEN "t0"."guard_where"
            ELSE 'other'
          END AS "guard_where",
          CASE
            WHEN CASE WHEN "t0"."counts" IS NULL THEN NULL ELSE MAP_KEYS("t0"."counts") END IS NULL
            OR CASE WHEN "t0"."counts" IS NULL THEN NULL ELSE MAP_VALUES("t0"."counts") END IS NULL
            THEN NULL
            ELSE LIST_APPLY(
              RANGE(
                1,
                GREATEST(
                  LENGTH(CASE WHEN "t0"."counts" IS NULL THEN NULL ELSE MAP_KEYS("t0"."counts") END),
                  LENGTH(CASE WHEN "t0"."counts" IS NULL THEN NULL ELSE MAP_VALUES("t0"."counts") END)
                ) + 1
              ),
              LAMBDA i : {'f1': CASE WHEN "t0"."counts" IS NULL THEN NULL ELSE MAP_KEYS("t0"."counts") END[i], 'f2': CASE WHEN "t0"."counts" IS NULL THEN NULL ELSE MAP_VALUES("t0"."counts") END[i]}
            )
          END AS "found"
        FROM "others" AS "t0"
        WHERE
          "t0"."event" = 'GUARD_TRIGGERED'
          AND "t0"."at" >= CAST($start AS TIMESTAMP)
          AND "t0"."at" < CAST($end AS TIMESTAMP)
      ) AS "t1"
      CROSS JOIN UNNEST("t1"."found") AS "ibis_table_unnest"("ibis_table_unnest_column")
      GROUP BY
        "t1"."guard",
        "t1"."action",
        "t1"."guard_where",
        "ibis_table_unnest"."ibis_table_unnest_column"."f1"
    ) AS "t3"
    WHERE
      "t3"."n" > 0
  ) AS "t6"
  GROUP BY
    "t6"."guard",
    "t6"."action",
    "t6"."guard_where",
    "t6"."kind"
) AS "t7"
ORDER BY
  "t7"."guard" ASC,
  "t7"."action" ASC,
  "t7"."guard_where" ASC,
  "t7"."kind" IS NULL ASC,
  "t7"."n" DESC,
  "t7"."kind" ASC;

-- guard_findings structured
SELECT
  "t7"."guard" AS "guard",
  "t7"."action" AS "action",
  "t7"."guard_where" AS "guard_where",
  "t7"."kind" AS "kind",
  "t7"."kinds" AS "kinds",
  "t7"."n" AS "n"
FROM (
  SELECT
    "t6"."guard" AS "guard",
    "t6"."action" AS "action",
    "t6"."guard_where" AS "guard_where",
    "t6"."kind" AS "kind",
    COUNT(*) AS "kinds",
    SUM("t6"."n") AS "n"
  FROM (
    SELECT
      "t3"."guard" AS "guard",
      "t3"."action" AS "action",
      "t3"."guard_where" AS "guard_where",
      CASE
        WHEN (
          ROW_NUMBER() OVER (
            PARTITION BY "t3"."guard", "t3"."action", "t3"."guard_where"
            ORDER BY "t3"."n" DESC, "t3"."kind" ASC
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
          ) - 1
        ) < 10
        THEN "t3"."kind"
        ELSE CAST(NULL AS TEXT)
      END AS "kind",
      "t3"."n" AS "n"
    FROM (
      SELECT
        "t1"."guard" AS "guard",
        "t1"."action" AS "action",
        "t1"."guard_where" AS "guard_where",
        "ibis_table_unnest"."ibis_table_unnest_column"."f1" AS "kind",
        SUM(
          "ibis_table_unnest"."ibis_table_unnest_column"."f2"
        ) AS "n"
      FROM (
        SELECT
          CASE
            WHEN "t0"."guard" IS NULL
            THEN CAST(NULL AS TEXT)
            WHEN "t0"."guard" IN ('pii', 'injection', 'grounding')
            THEN "t0"."guard"
            ELSE 'other'
          END AS "guard",
          CASE
            WHEN "t0"."action" IS NULL
            THEN CAST(NULL AS TEXT)
            WHEN "t0"."action" IN ('redacted', 'blocked', 'flagged')
            THEN "t0"."action"
            ELSE 'other'
          END AS "action",
          CASE
            WHEN "t0"."guard_where" IS NULL
            THEN CAST(NULL AS TEXT)
            WHEN "t0"."guard_where" IN ('input', 'context', 'answer')
            THEN "t0"."guard_where"
            ELSE 'other'
          END AS "guard_where",
          CASE
            WHEN CASE WHEN "t0"."counts" IS NULL THEN NULL ELSE MAP_KEYS("t0"."counts") END IS NULL
            OR CASE WHEN "t0"."counts" IS NULL THEN NULL ELSE MAP_VALUES("t0"."counts") END IS NULL
            THEN NULL
            ELSE LIST_APPLY(
              RANGE(
                1,
                GREATEST(
                  LENGTH(CASE WHEN "t0"."counts" IS NULL THEN NULL ELSE MAP_KEYS("t0"."counts") END),
                  LENGTH(CASE WHEN "t0"."counts" IS NULL THEN NULL ELSE MAP_VALUES("t0"."counts") END)
                ) + 1
              ),
              LAMBDA i : {'f1': CASE WHEN "t0"."counts" IS NULL THEN NULL ELSE MAP_KEYS("t0"."counts") END[i], 'f2': CASE WHEN "t0"."counts" IS NULL THEN NULL ELSE MAP_VALUES("t0"."counts") END[i]}
            )
          END AS "found"
        FROM "others" AS "t0"
        WHERE
          "t0"."event" = 'GUARD_TRIGGERED'
          AND "t0"."at" >= CAST($start AS TIMESTAMP)
          AND "t0"."at" < CAST($end AS TIMESTAMP)
      ) AS "t1"
      CROSS JOIN UNNEST("t1"."found") AS "ibis_table_unnest"("ibis_table_unnest_column")
      GROUP BY
        "t1"."guard",
        "t1"."action",
        "t1"."guard_where",
        "ibis_table_unnest"."ibis_table_unnest_column"."f1"
    ) AS "t3"
    WHERE
      "t3"."n" > 0
  ) AS "t6"
  GROUP BY
    "t6"."guard",
    "t6"."action",
    "t6"."guard_where",
    "t6"."kind"
) AS "t7"
ORDER BY
  "t7"."guard" ASC,
  "t7"."action" ASC,
  "t7"."guard_where" ASC,
  "t7"."kind" IS NULL ASC,
  "t7"."n" DESC,
  "t7"."kind" ASC;

-- guard_summary
SELECT
  "t2"."requests" AS "requests",
  "t2"."guarded" AS "guarded",
  "t2"."blocked" AS "blocked",
  LIST_EXTRACT("t2"."times", 1) AS "p50_ms",
  LIST_EXTRACT("t2"."times", 2) AS "p95_ms",
  "t2"."guard_ms" AS "guard_ms",
  "t2"."guard_ms" / NULLIF("t2"."waited_ms", 0.0) AS "share_of_time"
FROM (
  SELECT
    COUNT(*) AS "requests",
    COUNT(*) FILTER(WHERE
      NOT "t0"."guard_ms" IS NULL) AS "guarded",
    COUNT(*) FILTER(WHERE
      "t0"."status" = 'blocked') AS "blocked",
    QUANTILE_CONT("t0"."guard_ms", [0.5, 0.95]) AS "times",
    SUM("t0"."guard_ms") AS "guard_ms",
    SUM("t0"."total_ms") FILTER(WHERE
      NOT "t0"."guard_ms" IS NULL) AS "waited_ms"
  FROM "requests" AS "t0"
  WHERE
    "t0"."at" >= CAST($start AS TIMESTAMP)
    AND "t0"."at" < CAST($end AS TIMESTAMP)
) AS "t2";

-- guard_summary structured
SELECT
  "t2"."requests" AS "requests",
  "t2"."guarded" AS "guarded",
  "t2"."blocked" AS "blocked",
  LIST_EXTRACT("t2"."times", 1) AS "p50_ms",
  LIST_EXTRACT("t2"."times", 2) AS "p95_ms",
  "t2"."guard_ms" AS "guard_ms",
  "t2"."guard_ms" / NULLIF("t2"."waited_ms", 0.0) AS "share_of_time"
FROM (
  SELECT
    COUNT(*) AS "requests",
    COUNT(*) FILTER(WHERE
      NOT "t0"."guard_ms" IS NULL) AS "guarded",
    COUNT(*) FILTER(WHERE
      "t0"."status" = 'blocked') AS "blocked",
    QUANTILE_CONT("t0"."guard_ms", [0.5, 0.95]) AS "times",
    SUM("t0"."guard_ms") AS "guard_ms",
    SUM("t0"."total_ms") FILTER(WHERE
      NOT "t0"."guard_ms" IS NULL) AS "waited_ms"
  FROM "requests" AS "t0"
  WHERE
    "t0"."at" >= CAST($start AS TIMESTAMP)
    AND "t0"."at" < CAST($end AS TIMESTAMP)
) AS "t2";

-- order_now
WITH "t8" AS (
  SELECT
    "t5"."chain_order" AS "chain_order"
  FROM (
    SELECT
      "t1"."at" AS "at",
      "t1"."offset" AS "offset",
      "t1"."chain_order" AS "chain_order"
    FROM "others" AS "t1"
    WHERE
      "t1"."event" = 'PROVIDERS_INITIALIZED'
    UNION ALL
    SELECT
      "t1"."at" AS "at",
      "t1"."offset" AS "offset",
      "t1"."chain_order" AS "chain_order"
    FROM "others" AS "t1"
    WHERE
      "t1"."event" = 'SERVICE_STARTED'
  ) AS "t5"
  WHERE
    ARRAY_LENGTH("t5"."chain_order") > 0
    AND "t5"."at" <= CAST($at AS TIMESTAMP)
  ORDER BY
    "t5"."at" DESC,
    "t5"."offset" DESC
  LIMIT 1
)
SELECT
  "t19"."position" AS "position",
  "t19"."provider" AS "provider"
FROM (
  SELECT
    STRUCT_EXTRACT(
      "ibis_table_unnest"."ibis_table_unnest_column",
      2
    ) AS "position",
    STRUCT_EXTRACT(
      "ibis_table_unnest"."ibis_table_unnest_column",
      1
    ) AS "provider"
  FROM "t8" AS "t9"
  CROSS JOIN UNNEST(LIST_ZIP("t9"."chain_order", RANGE(0, LENGTH("t9"."chain_order")))) AS "ibis_table_unnest"("ibis_table_unnest_column")
  UNION ALL
  SELECT
    "t13"."position" AS "position",
    "t13"."provider" AS "provider"
  FROM (
    SELECT
      "t6"."provider" AS "provider",
      ROW_NUMBER() OVER (
        ORDER BY COALESCE("t6"."lowest", 1000000) ASC, "t6"."first_at" ASC, "t6"."provider" ASC
        ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
      ) - 1 AS "position"
    FROM (
      SELECT
        "t0"."provider" AS "provider",
        MIN("t0"."chain_position") AS "lowest",
        MIN("t0"."at") AS "first_at"
      FROM "attempts" AS "t0"
      WHERE
        "t0"."at" <= CAST($at AS TIMESTAMP)
      GROUP BY
        "t0"."provider"
    ) AS "t6"
  ) AS "t13"
  CROSS JOIN (
    SELECT
      COUNT(*) AS "said"
    FROM "t8" AS "t9"
  ) AS "t14"
  WHERE
    "t14"."said" = 0
) AS "t19"
ORDER BY
  "t19"."position" ASC;

-- order_now structured
WITH "t8" AS (
  SELECT
    "t5"."chain_order" AS "chain_order"
  FROM (
    SELECT
      "t1"."at" AS "at",
      "t1"."offset" AS "offset",
      "t1"."chain_order" AS "chain_order"
    FROM "others" AS "t1"
    WHERE
      "t1"."event" = 'PROVIDERS_INITIALIZED'
    UNION ALL
    SELECT
      "t1"."at" AS "at",
      "t1"."offset" AS "offset",
      "t1"."chain_order" AS "chain_order"
    FROM "others" AS "t1"
    WHERE
      "t1"."event" = 'SERVICE_STARTED'
  ) AS "t5"
  WHERE
    ARRAY_LENGTH("t5"."chain_order") > 0
    AND "t5"."at" <= CAST($at AS TIMESTAMP)
  ORDER BY
    "t5"."at" DESC,
    "t5"."offset" DESC
  LIMIT 1
)
SELECT
  "t19"."position" AS "position",
  "t19"."provider" AS "provider"
FROM (
  SELECT
    STRUCT_EXTRACT(
      "ibis_table_unnest"."ibis_table_unnest_column",
      2
    ) AS "position",
    STRUCT_EXTRACT(
      "ibis_table_unnest"."ibis_table_unnest_column",
      1
    ) AS "provider"
  FROM "t8" AS "t9"
  CROSS JOIN UNNEST(LIST_ZIP("t9"."chain_order", RANGE(0, LENGTH("t9"."chain_order")))) AS "ibis_table_unnest"("ibis_table_unnest_column")
  UNION ALL
  SELECT
    "t13"."position" AS "position",
    "t13"."provider" AS "provider"
  FROM (
    SELECT
      "t6"."provider" AS "provider",
      ROW_NUMBER() OVER (
        ORDER BY COALESCE("t6"."lowest", 1000000) ASC, "t6"."first_at" ASC, "t6"."provider" ASC
        ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
      ) - 1 AS "position"
    FROM (
      SELECT
        "t0"."provider" AS "provider",
        MIN("t0"."chain_position") AS "lowest",
        MIN("t0"."at") AS "first_at"
      FROM "attempts" AS "t0"
      WHERE
        "t0"."at" <= CAST($at AS TIMESTAMP)
      GROUP BY
        "t0"."provider"
    ) AS "t6"
  ) AS "t13"
  CROSS JOIN (
    SELECT
      COUNT(*) AS "said"
    FROM "t8" AS "t9"
  ) AS "t14"
  WHERE
    "t14"."said" = 0
) AS "t19"
ORDER BY
  "t19"."position" ASC;

-- orders
WITH "t3" AS (
  SELECT
    "t0"."at" AS "at",
    "t0"."offset" AS "offset",
    "t0"."chain_order" AS "chain_order"
  FROM "others" AS "t0"
  WHERE
    "t0"."event" = 'PROVIDERS_INITIALIZED'
  UNION ALL
  SELECT
    "t0"."at" AS "at",
    "t0"."offset" AS "offset",
    "t0"."chain_order" AS "chain_order"
  FROM "others" AS "t0"
  WHERE
    "t0"."event" = 'SERVICE_STARTED'
)
SELECT
  "t8"."at" AS "at",
  "t8"."chain_order" AS "chain_order"
FROM (
  SELECT
    "t7"."at" AS "at",
    "t7"."offset" AS "offset",
    "t7"."chain_order" AS "chain_order"
  FROM (
    SELECT
      "t4"."at" AS "at",
      "t4"."offset" AS "offset",
      "t4"."chain_order" AS "chain_order"
    FROM "t3" AS "t4"
    WHERE
      ARRAY_LENGTH("t4"."chain_order") > 0
      AND "t4"."at" < CAST($end AS TIMESTAMP)
      AND "t4"."at" <= CAST($start AS TIMESTAMP)
    ORDER BY
      "t4"."at" DESC,
      "t4"."offset" DESC
    LIMIT 1
  ) AS "t7"
  UNION ALL
  SELECT
    "t4"."at" AS "at",
    "t4"."offset" AS "offset",
    "t4"."chain_order" AS "chain_order"
  FROM "t3" AS "t4"
  WHERE
    ARRAY_LENGTH("t4"."chain_order") > 0
    AND "t4"."at" < CAST($end AS TIMESTAMP)
    AND "t4"."at" > CAST($start AS TIMESTAMP)
) AS "t8"
ORDER BY
  "t8"."at" ASC,
  "t8"."offset" ASC;

-- orders structured
WITH "t3" AS (
  SELECT
    "t0"."at" AS "at",
    "t0"."offset" AS "offset",
    "t0"."chain_order" AS "chain_order"
  FROM "others" AS "t0"
  WHERE
    "t0"."event" = 'PROVIDERS_INITIALIZED'
  UNION ALL
  SELECT
    "t0"."at" AS "at",
    "t0"."offset" AS "offset",
    "t0"."chain_order" AS "chain_order"
  FROM "others" AS "t0"
  WHERE
    "t0"."event" = 'SERVICE_STARTED'
)
SELECT
  "t8"."at" AS "at",
  "t8"."chain_order" AS "chain_order"
FROM (
  SELECT
    "t7"."at" AS "at",
    "t7"."offset" AS "offset",
    "t7"."chain_order" AS "chain_order"
  FROM (
    SELECT
      "t4"."at" AS "at",
      "t4"."offset" AS "offset",
      "t4"."chain_order" AS "chain_order"
    FROM "t3" AS "t4"
    WHERE
      ARRAY_LENGTH("t4"."chain_order") > 0
      AND "t4"."at" < CAST($end AS TIMESTAMP)
      AND "t4"."at" <= CAST($start AS TIMESTAMP)
    ORDER BY
      "t4"."at" DESC,
      "t4"."offset" DESC
    LIMIT 1
  ) AS "t7"
  UNION ALL
  SELECT
    "t4"."at" AS "at",
    "t4"."offset" AS "offset",
    "t4"."chain_order" AS "chain_order"
  FROM "t3" AS "t4"
  WHERE
    ARRAY_LENGTH("t4"."chain_order") > 0
    AND "t4"."at" < CAST($end AS TIMESTAMP)
    AND "t4"."at" > CAST($start AS TIMESTAMP)
) AS "t8"
ORDER BY
  "t8"."at" ASC,
  "t8"."offset" ASC;

-- provider_summary
SELECT
  "t7"."provider" AS "provider",
  "t7"."success" + "t7"."failed" AS "attempts",
  "t7"."success" AS "success",
  "t7"."failed" AS "failed",
  "t7"."cancelled" AS "cancelled",
  "t7"."success" / NULLIF("t7"."success" + "t7"."failed", 0) AS "success_rate",
  LIST_EXTRACT("t7"."times", 1) AS "p50_ms",
  LIST_EXTRACT("t7"."times", 2) AS "p95_ms",
  "t15"."last_reason" AS "last_reason",
  "t7"."last_failed_at" AS "last_failed_at"
FROM (
  SELECT
    "t0"."provider" AS "provider",
    COUNT(*) FILTER(WHERE
      "t0"."status" = 'success') AS "success",
    COUNT(*) FILTER(WHERE
      "t0"."status" = 'failed') AS "failed",
    COUNT(*) FILTER(WHERE
      "t0"."status" = 'cancelled') AS "cancelled",
    QUANTILE_CONT("t0"."generation_time_ms", [0.5, 0.95]) FILTER(WHERE
      "t0"."status" <> 'cancelled') AS "times",
    MAX("t0"."at") FILTER(WHERE
      "t0"."status" = 'failed') AS "last_failed_at"
  FROM "attempts" AS "t0"
  WHERE
    "t0"."at" >= CAST($start AS TIMESTAMP)
    AND "t0"."at" < CAST($end AS TIMESTAMP)
  GROUP BY
    "t0"."provider"
) AS "t7"
LEFT OUTER JOIN (
  SELECT
    "t13"."provider" AS "provider",
    FIRST("t13"."reason" ORDER BY "t13"."at" DESC) AS "last_reason"
  FROM (
    SELECT
      "t0"."at" AS "at",
      "t0"."provider" AS "provider",
      "t0"."reason" AS "reason"
    FROM "attempts" AS "t0"
    WHERE
      "t0"."at" >= CAST($start AS TIMESTAMP)
      AND "t0"."at" < CAST($end AS TIMESTAMP)
      AND NOT (
        "t0"."plain"
      )
      AND "t0"."status" = 'failed'
    UNION ALL
    SELECT
      "t11"."at" AS "at",
      "t11"."provider" AS "provider",
      CASE WHEN "t11"."told" THEN "t11"."reason_after" ELSE "t11"."reason" END AS "reason"
    FROM (
      SELECT
        "t6"."at" AS "at",
        "t6"."provider" AS "provider",
        "t6"."reason" AS "reason",
        "t6"."failed" AS "failed",
        (
          "t6"."event" = 'LLM_ATTEMPT'
        )
        AND "t6"."failed"
        AND (
          "t6"."reason" IS NULL
        )
        AND COALESCE(
          LEAD("t6"."event") OVER (
            PARTITION BY "t6"."source"
            ORDER BY "t6"."offset" ASC
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
          ) = 'PROVIDER_FAILED',
          FALSE
        ) AS "told",
        LEAD("t6"."reason") OVER (
          PARTITION BY "t6"."source"
          ORDER BY "t6"."offset" ASC
          ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) AS "reason_after",
        (
          "t6"."event" = 'PROVIDER_FAILED'
        )
        AND COALESCE(
          LAG(
            (
              "t6"."event" = 'LLM_ATTEMPT'
            )
            AND "t6"."failed"
            AND (
              "t6"."reason" IS NULL
            )
          ) OVER (
            PARTITION BY "t6"."source"
            ORDER BY "t6"."offset" ASC
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
          ),
          FALSE
        ) AS "tells"
      FROM (
        SELECT
          "t0"."source" AS "source",
          "t0"."offset" AS "offset",
          'LLM_ATTEMPT' AS "event",
          "t0"."at" AS "at",
          "t0"."provider" AS "provider",
          "t0"."reason" AS "reason",
          "t0"."status" = 'failed' AS "failed"
        FROM "attempts" AS "t0"
        WHERE
          "t0"."at" >= CAST($start AS TIMESTAMP)
          AND "t0"."at" < CAST($end AS TIMESTAMP)
          AND "t0"."plain"
        UNION ALL
        SELECT
          "t1"."source" AS "source",
          "t1"."offset" AS "offset",
          "t1"."event" AS "event",
          "t1"."at" AS "at",
          "t1"."provider" AS "provider",
          "t1"."reason" AS "reason",
          TRUE AS "failed"
        FROM "others" AS "t1"
        WHERE
          "t1"."event" = 'PROVIDER_FAILED'
          AND "t1"."at" >= CAST($start AS TIMESTAMP)
          AND "t1"."at" < CAST($end AS TIMESTAMP)
      ) AS "t6"
    ) AS "t11"
    WHERE
      "t11"."failed" AND NOT (
        "t11"."tells"
      )
  ) AS "t13"
  GROUP BY
    "t13"."provider"
) AS "t15"
  ON "t7"."provider" = "t15"."provider"
ORDER BY
  "t7"."provider" ASC;

-- provider_summary structured
SELECT
  "t4"."provider" AS "provider",
  "t4"."success" + "t4"."failed" AS "attempts",
  "t4"."success" AS "success",
  "t4"."failed" AS "failed",
  "t4"."cancelled" AS "cancelled",
  "t4"."success" / NULLIF("t4"."success" + "t4"."failed", 0) AS "success_rate",
  LIST_EXTRACT("t4"."times", 1) AS "p50_ms",
  LIST_EXTRACT("t4"."times", 2) AS "p95_ms",
  "t5"."last_reason" AS "last_reason",
  "t4"."last_failed_at" AS "last_failed_at"
FROM (
  SELECT
    "t0"."provider" AS "provider",
    COUNT(*) FILTER(WHERE
      "t0"."status" = 'success') AS "success",
    COUNT(*) FILTER(WHERE
      "t0"."status" = 'failed') AS "failed",
    COUNT(*) FILTER(WHERE
      "t0"."status" = 'cancelled') AS "cancelled",
    QUANTILE_CONT("t0"."generation_time_ms", [0.5, 0.95]) FILTER(WHERE
      "t0"."status" <> 'cancelled') AS "times",
    MAX("t0"."at") FILTER(WHERE
      "t0"."status" = 'failed') AS "last_failed_at"
  FROM "attempts" AS "t0"
  WHERE
    "t0"."at" >= CAST($start AS TIMESTAMP)
    AND "t0"."at" < CAST($end AS TIMESTAMP)
  GROUP BY
    "t0"."provider"
) AS "t4"
LEFT OUTER JOIN (
  SELECT
    "t0"."provider" AS "provider",
    FIRST("t0"."reason" ORDER BY "t0"."at" DESC) AS "last_reason"
  FROM "attempts" AS "t0"
  WHERE
    "t0"."at" >= CAST($start AS TIMESTAMP)
    AND "t0"."at" < CAST($end AS TIMESTAMP)
    AND NOT (
      "t0"."plain"
    )
    AND "t0"."status" = 'failed'
  GROUP BY
    "t0"."provider"
) AS "t5"
  ON "t4"."provider" = "t5"."provider"
ORDER BY
  "t4"."provider" ASC;

-- request_summary
SELECT
  "t19"."total" AS "total",
  "t19"."success" AS "success",
  "t19"."total" - "t19"."success" AS "failed",
  (
    "t19"."total" - "t19"."success"
  ) / NULLIF("t19"."total", 0) AS "error_rate",
  "t19"."with_fallback" AS "with_fallback",
  "t19"."with_fallback" / NULLIF("t19"."total", 0) AS "fallback_rate",
  LIST_EXTRACT("t19"."times", 1) AS "p50_ms",
  LIST_EXTRACT("t19"."times", 2) AS "p95_ms",
  COALESCE("t19"."wasted_ms", 0.0) AS "wasted_ms",
  "t19"."cancelled" AS "cancelled",
  "t19"."blocked" AS "blocked",
  "t19"."rejected" AS "rejected",
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
      "t0"."status" AS "status",
      "t0"."fallbacks" > 0 AS "with_fallback",
      "t0"."total_ms" AS "total_ms",
      "t0"."wasted_ms" AS "wasted_ms",
      FALSE AS "derived"
    FROM "requests" AS "t0"
    WHERE
      "t0"."at" >= CAST($start AS TIMESTAMP)
      AND "t0"."at" < CAST($end AS TIMESTAMP)
    UNION ALL
    SELECT
      CASE
        WHEN "t16"."answered"
        THEN 'success'
        WHEN "t16"."exhausted" OR "t16"."failed"
        THEN 'exhausted'
        ELSE 'cancelled'
      END AS "status",
      "t16"."with_fallback" AS "with_fallback",
      CASE WHEN "t16"."ran" THEN "t16"."total_ms" ELSE 0.0 END AS "total_ms",
      "t16"."wasted_ms" AS "wasted_ms",
      TRUE AS "derived"
    FROM (
      SELECT
        MAX("t15"."at") AS "at",
        BOOL_OR(CAST("t15"."ends" = 1 AS BOOLEAN))
        OR (
          NOT MAX("t15"."request_id") IS NULL
        ) AS "ended",
        COALESCE(BOOL_OR(CAST("t15"."status" = 'success' AS BOOLEAN)), FALSE) AS "answered",
        BOOL_OR(CAST("t15"."event" = 'LLM_ATTEMPT' AS BOOLEAN)) AS "ran",
        COALESCE(BOOL_OR(CAST("t15"."status" = 'failed' AS BOOLEAN)), FALSE) AS "failed",
        BOOL_OR(CAST("t15"."event" = 'PROVIDERS_EXHAUSTED' AS BOOLEAN)) AS "exhausted",
        BOOL_OR(CAST("t15"."event" = 'FALLBACK' AS BOOLEAN))
        OR (
          COUNT(DISTINCT "t15"."provider") > 1
        ) AS "with_fallback",
        SUM("t15"."generation_time_ms") AS "total_ms",
        COALESCE(SUM("t15"."generation_time_ms") FILTER(WHERE
          "t15"."status" = 'failed'), 0.0) AS "wasted_ms"
      FROM (
        SELECT
          "t12"."source" AS "source",
          "t12"."at" AS "at",
          "t12"."event" AS "event",
          "t12"."request_id" AS "request_id",
          "t12"."provider" AS "provider",
          "t12"."status" AS "status",
          "t12"."generation_time_ms" AS "generation_time_ms",
          CAST((
            "t12"."request_id" IS NULL
          )
          AND COALESCE(
            (
              "t12"."status" = 'success'
            ) OR (
              "t12"."event" = 'PROVIDERS_EXHAUSTED'
            ),
            FALSE
          ) AS BIGINT) AS "ends",
          CASE
            WHEN "t12"."request_id" IS NULL
            THEN SUM(
              CAST((
                "t12"."request_id" IS NULL
              )
              AND COALESCE(
                (
                  "t12"."status" = 'success'
                ) OR (
                  "t12"."event" = 'PROVIDERS_EXHAUSTED'
                ),
                FALSE
              ) AS BIGINT)
            ) OVER (
              PARTITION BY "t12"."source"
              ORDER BY "t12"."offset" ASC
              ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
            ) - CAST((
              "t12"."request_id" IS NULL
            )
            AND COALESCE(
              (
                "t12"."status" = 'success'
              ) OR (
                "t12"."event" = 'PROVIDERS_EXHAUSTED'
              ),
              FALSE
            ) AS BIGINT)
            ELSE CAST(NULL AS BIGINT)
          END AS "run"
        FROM (
          SELECT
            "t1"."source" AS "source",
            "t1"."offset" AS "offset",
            "t1"."at" AS "at",
            "t1"."event" AS "event",
            "t1"."request_id" AS "request_id",
            "t1"."provider" AS "provider",
            CAST(NULL AS TEXT) AS "status",
            CAST(NULL AS DOUBLE) AS "generation_time_ms"
          FROM "others" AS "t1"
          WHERE
            "t1"."event" = 'PROVIDERS_EXHAUSTED'
            AND "t1"."at" >= MAKE_TIMESTAMP(1971, 2, 3, 3, 5, 6.0)
            AND "t1"."at" < CAST($end AS TIMESTAMP)
          UNION ALL
          SELECT
            "t10"."source" AS "source",
            "t10"."offset" AS "offset",
            "t10"."at" AS "at",
            "t10"."event" AS "event",
            "t10"."request_id" AS "request_id",
            "t10"."provider" AS "provider",
            "t10"."status" AS "status",
            "t10"."generation_time_ms" AS "generation_time_ms"
          FROM (
            SELECT
              "t2"."source" AS "source",
              "t2"."offset" AS "offset",
              "t2"."at" AS "at",
              'LLM_ATTEMPT' AS "event",
              "t2"."request_id" AS "request_id",
              "t2"."provider" AS "provider",
              "t2"."status" AS "status",
              "t2"."generation_time_ms" AS "generation_time_ms"
            FROM "attempts" AS "t2"
            WHERE
              "t2"."at" >= MAKE_TIMESTAMP(1971, 2, 3, 3, 5, 6.0)
              AND "t2"."at" < CAST($end AS TIMESTAMP)
            UNION ALL
            SELECT
              "t3"."source" AS "source",
              "t3"."offset" AS "offset",
              "t3"."at" AS "at",
              'FALLBACK' AS "event",
              "t3"."request_id" AS "request_id",
              CAST(NULL AS TEXT) AS "provider",
              CAST(NULL AS TEXT) AS "status",
              CAST(NULL AS DOUBLE) AS "generation_time_ms"
            FROM "fallbacks" AS "t3"
            WHERE
              "t3"."at" >= MAKE_TIMESTAMP(1971, 2, 3, 3, 5, 6.0)
              AND "t3"."at" < CAST($end AS TIMESTAMP)
          ) AS "t10"
        ) AS "t12"
        ANTI JOIN (
          SELECT DISTINCT
            "t0"."source" AS "source"
          FROM "requests" AS "t0"
        ) AS "t6"
          ON "t12"."source" = "t6"."source"
      ) AS "t15"
      GROUP BY
        "t15"."source",
        "t15"."request_id",
        "t15"."run"
    ) AS "t16"
    WHERE
      "t16"."ended"
      AND (
        "t16"."ran" OR "t16"."exhausted"
      )
      AND "t16"."at" >= CAST($start AS TIMESTAMP)
      AND "t16"."at" < CAST($end AS TIMESTAMP)
  ) AS "t18"
) AS "t19";

-- request_summary structured
SELECT
  "t2"."total" AS "total",
  "t2"."success" AS "success",
  "t2"."total" - "t2"."success" AS "failed",
  (
    "t2"."total" - "t2"."success"
  ) / NULLIF("t2"."total", 0) AS "error_rate",
  "t2"."with_fallback" AS "with_fallback",
  "t2"."with_fallback" / NULLIF("t2"."total", 0) AS "fallback_rate",
  LIST_EXTRACT("t2"."times", 1) AS "p50_ms",
  LIST_EXTRACT("t2"."times", 2) AS "p95_ms",
  COALESCE("t2"."wasted_ms", 0.0) AS "wasted_ms",
  "t2"."cancelled" AS "cancelled",
  "t2"."blocked" AS "blocked",
  "t2"."rejected" AS "rejected",
  COALESCE("t2"."derived", FALSE) AS "derived"
FROM (
  SELECT
    COUNT(*) FILTER(WHERE
      NOT (
        "t0"."status" IN ('cancelled', 'blocked', 'rejected')
      )) AS "total",
    COUNT(*) FILTER(WHERE
      "t0"."status" = 'success') AS "success",
    COUNT(*) FILTER(WHERE
      (
        "t0"."fallbacks" > 0
      )
      AND NOT (
        "t0"."status" IN ('cancelled', 'blocked', 'rejected')
      )) AS "with_fallback",
    QUANTILE_CONT("t0"."total_ms", [0.5, 0.95]) FILTER(WHERE
      NOT (
        "t0"."status" IN ('cancelled', 'blocked', 'rejected')
      )) AS "times",
    SUM("t0"."wasted_ms") FILTER(WHERE
      NOT (
        "t0"."status" IN ('cancelled', 'blocked', 'rejected')
      )) AS "wasted_ms",
    COUNT(*) FILTER(WHERE
      "t0"."status" = 'cancelled') AS "cancelled",
    COUNT(*) FILTER(WHERE
      "t0"."status" = 'blocked') AS "blocked",
    COUNT(*) FILTER(WHERE
      "t0"."status" = 'rejected') AS "rejected",
    BOOL_OR(CAST(FALSE AS BOOLEAN)) AS "derived"
  FROM "requests" AS "t0"
  WHERE
    "t0"."at" >= CAST($start AS TIMESTAMP)
    AND "t0"."at" < CAST($end AS TIMESTAMP)
) AS "t2";

-- requests_by_bucket
SELECT
  "t20"."bucket_at" AS "bucket_at",
  "t20"."total" AS "total",
  "t20"."success" AS "success",
  "t20"."total" - "t20"."success" AS "failed",
  (
    "t20"."total" - "t20"."success"
  ) / NULLIF("t20"."total", 0) AS "error_rate",
  "t20"."with_fallback" AS "with_fallback",
  "t20"."with_fallback" / NULLIF("t20"."total", 0) AS "fallback_rate",
  LIST_EXTRACT("t20"."times", 1) AS "p50_ms",
  LIST_EXTRACT("t20"."times", 2) AS "p95_ms",
  "t20"."wasted_ms" AS "wasted_ms"
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
      "t0"."at" AS "at",
      "t0"."status" AS "status",
      "t0"."fallbacks" > 0 AS "with_fallback",
      "t0"."total_ms" AS "total_ms",
      "t0"."wasted_ms" AS "wasted_ms"
    FROM "requests" AS "t0"
    WHERE
      "t0"."at" >= CAST($start AS TIMESTAMP)
      AND "t0"."at" < CAST($end AS TIMESTAMP)
    UNION ALL
    SELECT
      "t16"."at" AS "at",
      CASE
        WHEN "t16"."answered"
        THEN 'success'
        WHEN "t16"."exhausted" OR "t16"."failed"
        THEN 'exhausted'
        ELSE 'cancelled'
      END AS "status",
      "t16"."with_fallback" AS "with_fallback",
      CASE WHEN "t16"."ran" THEN "t16"."total_ms" ELSE 0.0 END AS "total_ms",
      "t16"."wasted_ms" AS "wasted_ms"
    FROM (
      SELECT
        MAX("t15"."at") AS "at",
        BOOL_OR(CAST("t15"."ends" = 1 AS BOOLEAN))
        OR (
          NOT MAX("t15"."request_id") IS NULL
        ) AS "ended",
        COALESCE(BOOL_OR(CAST("t15"."status" = 'success' AS BOOLEAN)), FALSE) AS "answered",
        BOOL_OR(CAST("t15"."event" = 'LLM_ATTEMPT' AS BOOLEAN)) AS "ran",
        COALESCE(BOOL_OR(CAST("t15"."status" = 'failed' AS BOOLEAN)), FALSE) AS "failed",
        BOOL_OR(CAST("t15"."event" = 'PROVIDERS_EXHAUSTED' AS BOOLEAN)) AS "exhausted",
        BOOL_OR(CAST("t15"."event" = 'FALLBACK' AS BOOLEAN))
        OR (
          COUNT(DISTINCT "t15"."provider") > 1
        ) AS "with_fallback",
        SUM("t15"."generation_time_ms") AS "total_ms",
        COALESCE(SUM("t15"."generation_time_ms") FILTER(WHERE
          "t15"."status" = 'failed'), 0.0) AS "wasted_ms"
      FROM (
        SELECT
          "t12"."source" AS "source",
          "t12"."at" AS "at",
          "t12"."event" AS "event",
          "t12"."request_id" AS "request_id",
          "t12"."provider" AS "provider",
          "t12"."status" AS "status",
          "t12"."generation_time_ms" AS "generation_time_ms",
          CAST((
            "t12"."request_id" IS NULL
          )
          AND COALESCE(
            (
              "t12"."status" = 'success'
            ) OR (
              "t12"."event" = 'PROVIDERS_EXHAUSTED'
            ),
            FALSE
          ) AS BIGINT) AS "ends",
          CASE
            WHEN "t12"."request_id" IS NULL
            THEN SUM(
              CAST((
                "t12"."request_id" IS NULL
              )
              AND COALESCE(
                (
                  "t12"."status" = 'success'
                ) OR (
                  "t12"."event" = 'PROVIDERS_EXHAUSTED'
                ),
                FALSE
              ) AS BIGINT)
            ) OVER (
              PARTITION BY "t12"."source"
              ORDER BY "t12"."offset" ASC
              ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
            ) - CAST((
              "t12"."request_id" IS NULL
            )
            AND COALESCE(
              (
                "t12"."status" = 'success'
              ) OR (
                "t12"."event" = 'PROVIDERS_EXHAUSTED'
              ),
              FALSE
            ) AS BIGINT)
            ELSE CAST(NULL AS BIGINT)
          END AS "run"
        FROM (
          SELECT
            "t1"."source" AS "source",
            "t1"."offset" AS "offset",
            "t1"."at" AS "at",
            "t1"."event" AS "event",
            "t1"."request_id" AS "request_id",
            "t1"."provider" AS "provider",
            CAST(NULL AS TEXT) AS "status",
            CAST(NULL AS DOUBLE) AS "generation_time_ms"
          FROM "others" AS "t1"
          WHERE
            "t1"."event" = 'PROVIDERS_EXHAUSTED'
            AND "t1"."at" >= MAKE_TIMESTAMP(1971, 2, 3, 3, 5, 6.0)
            AND "t1"."at" < CAST($end AS TIMESTAMP)
          UNION ALL
          SELECT
            "t10"."source" AS "source",
            "t10"."offset" AS "offset",
            "t10"."at" AS "at",
            "t10"."event" AS "event",
            "t10"."request_id" AS "request_id",
            "t10"."provider" AS "provider",
            "t10"."status" AS "status",
            "t10"."generation_time_ms" AS "generation_time_ms"
          FROM (
            SELECT
              "t2"."source" AS "source",
              "t2"."offset" AS "offset",
              "t2"."at" AS "at",
              'LLM_ATTEMPT' AS "event",
              "t2"."request_id" AS "request_id",
              "t2"."provider" AS "provider",
              "t2"."status" AS "status",
              "t2"."generation_time_ms" AS "generation_time_ms"
            FROM "attempts" AS "t2"
            WHERE
              "t2"."at" >= MAKE_TIMESTAMP(1971, 2, 3, 3, 5, 6.0)
              AND "t2"."at" < CAST($end AS TIMESTAMP)
            UNION ALL
            SELECT
              "t3"."source" AS "source",
              "t3"."offset" AS "offset",
              "t3"."at" AS "at",
              'FALLBACK' AS "event",
              "t3"."request_id" AS "request_id",
              CAST(NULL AS TEXT) AS "provider",
              CAST(NULL AS TEXT) AS "status",
              CAST(NULL AS DOUBLE) AS "generation_time_ms"
            FROM "fallbacks" AS "t3"
            WHERE
              "t3"."at" >= MAKE_TIMESTAMP(1971, 2, 3, 3, 5, 6.0)
              AND "t3"."at" < CAST($end AS TIMESTAMP)
          ) AS "t10"
        ) AS "t12"
        ANTI JOIN (
          SELECT DISTINCT
            "t0"."source" AS "source"
          FROM "requests" AS "t0"
        ) AS "t6"
          ON "t12"."source" = "t6"."source"
      ) AS "t15"
      GROUP BY
        "t15"."source",
        "t15"."request_id",
        "t15"."run"
    ) AS "t16"
    WHERE
      "t16"."ended"
      AND (
        "t16"."ran" OR "t16"."exhausted"
      )
      AND "t16"."at" >= CAST($start AS TIMESTAMP)
      AND "t16"."at" < CAST($end AS TIMESTAMP)
  ) AS "t18"
  WHERE
    NOT (
      "t18"."status" IN ('cancelled', 'blocked', 'rejected')
    )
  GROUP BY
    TIME_BUCKET(TO_SECONDS($bucket_s), "t18"."at", CAST('epoch' AS TIMESTAMP))
) AS "t20"
ORDER BY
  "t20"."bucket_at" ASC;

-- requests_by_bucket structured
SELECT
  "t2"."bucket_at" AS "bucket_at",
  "t2"."total" AS "total",
  "t2"."success" AS "success",
  "t2"."total" - "t2"."success" AS "failed",
  (
    "t2"."total" - "t2"."success"
  ) / NULLIF("t2"."total", 0) AS "error_rate",
  "t2"."with_fallback" AS "with_fallback",
  "t2"."with_fallback" / NULLIF("t2"."total", 0) AS "fallback_rate",
  LIST_EXTRACT("t2"."times", 1) AS "p50_ms",
  LIST_EXTRACT("t2"."times", 2) AS "p95_ms",
  "t2"."wasted_ms" AS "wasted_ms"
FROM (
  SELECT
    TIME_BUCKET(TO_SECONDS($bucket_s), "t0"."at", CAST('epoch' AS TIMESTAMP)) AS "bucket_at",
    COUNT(*) FILTER(WHERE
      TRUE) AS "total",
    COUNT(*) FILTER(WHERE
      "t0"."status" = 'success') AS "success",
    COUNT(*) FILTER(WHERE
      (
        "t0"."fallbacks" > 0
      ) AND TRUE) AS "with_fallback",
    QUANTILE_CONT("t0"."total_ms", [0.5, 0.95]) FILTER(WHERE
      TRUE) AS "times",
    SUM("t0"."wasted_ms") FILTER(WHERE
      TRUE) AS "wasted_ms"
  FROM "requests" AS "t0"
  WHERE
    "t0"."at" >= CAST($start AS TIMESTAMP)
    AND "t0"."at" < CAST($end AS TIMESTAMP)
    AND NOT (
      "t0"."status" IN ('cancelled', 'blocked', 'rejected')
    )
  GROUP BY
    TIME_BUCKET(TO_SECONDS($bucket_s), "t0"."at", CAST('epoch' AS TIMESTAMP))
) AS "t2"
ORDER BY
  "t2"."bucket_at" ASC;

-- requests_by_version
SELECT
  "t2"."config_version" AS "config_version",
  "t2"."total" AS "total",
  "t2"."success" AS "success",
  "t2"."first_at" AS "first_at",
  "t2"."first_provider" AS "first_provider",
  "t2"."first_status" AS "first_status",
  "t2"."first_ms" AS "first_ms"
FROM (
  SELECT
    "t0"."config_version" AS "config_version",
    COUNT(*) AS "total",
    COUNT(*) FILTER(WHERE
      "t0"."status" = 'success') AS "success",
    MIN("t0"."at") AS "first_at",
    NULLIF(FIRST(COALESCE("t0"."provider", '') ORDER BY "t0"."at"), '') AS "first_provider",
    FIRST("t0"."status" ORDER BY "t0"."at") AS "first_status",
    FIRST("t0"."total_ms" ORDER BY "t0"."at") AS "first_ms"
  FROM "requests" AS "t0"
  WHERE
    "t0"."at" >= CAST($start AS TIMESTAMP)
    AND "t0"."at" < CAST($end AS TIMESTAMP)
    AND NOT "t0"."config_version" IS NULL
    AND NOT (
      "t0"."status" IN ('cancelled', 'blocked', 'rejected')
    )
  GROUP BY
    "t0"."config_version"
) AS "t2"
ORDER BY
  "t2"."config_version" ASC;

-- requests_by_version structured
SELECT
  "t2"."config_version" AS "config_version",
  "t2"."total" AS "total",
  "t2"."success" AS "success",
  "t2"."first_at" AS "first_at",
  "t2"."first_provider" AS "first_provider",
  "t2"."first_status" AS "first_status",
  "t2"."first_ms" AS "first_ms"
FROM (
  SELECT
    "t0"."config_version" AS "config_version",
    COUNT(*) AS "total",
    COUNT(*) FILTER(WHERE
      "t0"."status" = 'success') AS "success",
    MIN("t0"."at") AS "first_at",
    NULLIF(FIRST(COALESCE("t0"."provider", '') ORDER BY "t0"."at"), '') AS "first_provider",
    FIRST("t0"."status" ORDER BY "t0"."at") AS "first_status",
    FIRST("t0"."total_ms" ORDER BY "t0"."at") AS "first_ms"
  FROM "requests" AS "t0"
  WHERE
    "t0"."at" >= CAST($start AS TIMESTAMP)
    AND "t0"."at" < CAST($end AS TIMESTAMP)
    AND NOT "t0"."config_version" IS NULL
    AND NOT (
      "t0"."status" IN ('cancelled', 'blocked', 'rejected')
    )
  GROUP BY
    "t0"."config_version"
) AS "t2"
ORDER BY
  "t2"."config_version" ASC;

-- requests_ended
SELECT
  "t18"."at" AS "at",
  "t18"."status" AS "status",
  "t18"."with_fallback" AS "with_fallback",
  "t18"."total_ms" AS "total_ms"
FROM (
  SELECT
    "t0"."at" AS "at",
    "t0"."status" AS "status",
    "t0"."fallbacks" > 0 AS "with_fallback",
    "t0"."total_ms" AS "total_ms"
  FROM "requests" AS "t0"
  WHERE
    "t0"."at" >= CAST($start AS TIMESTAMP)
    AND "t0"."at" < CAST($end AS TIMESTAMP)
  UNION ALL
  SELECT
    "t16"."at" AS "at",
    CASE
      WHEN "t16"."answered"
      THEN 'success'
      WHEN "t16"."exhausted" OR "t16"."failed"
      THEN 'exhausted'
      ELSE 'cancelled'
    END AS "status",
    "t16"."with_fallback" AS "with_fallback",
    CASE WHEN "t16"."ran" THEN "t16"."total_ms" ELSE 0.0 END AS "total_ms"
  FROM (
    SELECT
      MAX("t15"."at") AS "at",
      BOOL_OR(CAST("t15"."ends" = 1 AS BOOLEAN))
      OR (
        NOT MAX("t15"."request_id") IS NULL
      ) AS "ended",
      COALESCE(BOOL_OR(CAST("t15"."status" = 'success' AS BOOLEAN)), FALSE) AS "answered",
      BOOL_OR(CAST("t15"."event" = 'LLM_ATTEMPT' AS BOOLEAN)) AS "ran",
      COALESCE(BOOL_OR(CAST("t15"."status" = 'failed' AS BOOLEAN)), FALSE) AS "failed",
      BOOL_OR(CAST("t15"."event" = 'PROVIDERS_EXHAUSTED' AS BOOLEAN)) AS "exhausted",
      BOOL_OR(CAST("t15"."event" = 'FALLBACK' AS BOOLEAN))
      OR (
        COUNT(DISTINCT "t15"."provider") > 1
      ) AS "with_fallback",
      SUM("t15"."generation_time_ms") AS "total_ms"
    FROM (
      SELECT
        "t12"."source" AS "source",
        "t12"."at" AS "at",
        "t12"."event" AS "event",
        "t12"."request_id" AS "request_id",
        "t12"."provider" AS "provider",
        "t12"."status" AS "status",
        "t12"."generation_time_ms" AS "generation_time_ms",
        CAST((
          "t12"."request_id" IS NULL
        )
        AND COALESCE(
          (
            "t12"."status" = 'success'
          ) OR (
            "t12"."event" = 'PROVIDERS_EXHAUSTED'
          ),
          FALSE
        ) AS BIGINT) AS "ends",
        CASE
          WHEN "t12"."request_id" IS NULL
          THEN SUM(
            CAST((
              "t12"."request_id" IS NULL
            )
            AND COALESCE(
              (
                "t12"."status" = 'success'
              ) OR (
                "t12"."event" = 'PROVIDERS_EXHAUSTED'
              ),
              FALSE
            ) AS BIGINT)
          ) OVER (
            PARTITION BY "t12"."source"
            ORDER BY "t12"."offset" ASC
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
          ) - CAST((
            "t12"."request_id" IS NULL
          )
          AND COALESCE(
            (
              "t12"."status" = 'success'
            ) OR (
              "t12"."event" = 'PROVIDERS_EXHAUSTED'
            ),
            FALSE
          ) AS BIGINT)
          ELSE CAST(NULL AS BIGINT)
        END AS "run"
      FROM (
        SELECT
          "t1"."source" AS "source",
          "t1"."offset" AS "offset",
          "t1"."at" AS "at",
          "t1"."event" AS "event",
          "t1"."request_id" AS "request_id",
          "t1"."provider" AS "provider",
          CAST(NULL AS TEXT) AS "status",
          CAST(NULL AS DOUBLE) AS "generation_time_ms"
        FROM "others" AS "t1"
        WHERE
          "t1"."event" = 'PROVIDERS_EXHAUSTED'
          AND "t1"."at" >= MAKE_TIMESTAMP(1971, 2, 3, 3, 5, 6.0)
          AND "t1"."at" < CAST($end AS TIMESTAMP)
        UNION ALL
        SELECT
          "t10"."source" AS "source",
          "t10"."offset" AS "offset",
          "t10"."at" AS "at",
          "t10"."event" AS "event",
          "t10"."request_id" AS "request_id",
          "t10"."provider" AS "provider",
          "t10"."status" AS "status",
          "t10"."generation_time_ms" AS "generation_time_ms"
        FROM (
          SELECT
            "t2"."source" AS "source",
            "t2"."offset" AS "offset",
            "t2"."at" AS "at",
            'LLM_ATTEMPT' AS "event",
            "t2"."request_id" AS "request_id",
            "t2"."provider" AS "provider",
            "t2"."status" AS "status",
            "t2"."generation_time_ms" AS "generation_time_ms"
          FROM "attempts" AS "t2"
          WHERE
            "t2"."at" >= MAKE_TIMESTAMP(1971, 2, 3, 3, 5, 6.0)
            AND "t2"."at" < CAST($end AS TIMESTAMP)
          UNION ALL
          SELECT
            "t3"."source" AS "source",
            "t3"."offset" AS "offset",
            "t3"."at" AS "at",
            'FALLBACK' AS "event",
            "t3"."request_id" AS "request_id",
            CAST(NULL AS TEXT) AS "provider",
            CAST(NULL AS TEXT) AS "status",
            CAST(NULL AS DOUBLE) AS "generation_time_ms"
          FROM "fallbacks" AS "t3"
          WHERE
            "t3"."at" >= MAKE_TIMESTAMP(1971, 2, 3, 3, 5, 6.0)
            AND "t3"."at" < CAST($end AS TIMESTAMP)
        ) AS "t10"
      ) AS "t12"
      ANTI JOIN (
        SELECT DISTINCT
          "t0"."source" AS "source"
        FROM "requests" AS "t0"
      ) AS "t6"
        ON "t12"."source" = "t6"."source"
    ) AS "t15"
    GROUP BY
      "t15"."source",
      "t15"."request_id",
      "t15"."run"
  ) AS "t16"
  WHERE
    "t16"."ended"
    AND (
      "t16"."ran" OR "t16"."exhausted"
    )
    AND "t16"."at" >= CAST($start AS TIMESTAMP)
    AND "t16"."at" < CAST($end AS TIMESTAMP)
) AS "t18"
WHERE
  NOT (
    "t18"."status" IN ('cancelled', 'blocked', 'rejected')
  )
ORDER BY
  "t18"."at" ASC;

-- requests_ended structured
SELECT
  "t0"."at" AS "at",
  "t0"."status" AS "status",
  "t0"."fallbacks" > 0 AS "with_fallback",
  "t0"."total_ms" AS "total_ms"
FROM "requests" AS "t0"
WHERE
  "t0"."at" >= CAST($start AS TIMESTAMP)
  AND "t0"."at" < CAST($end AS TIMESTAMP)
  AND NOT (
    "t0"."status" IN ('cancelled', 'blocked', 'rejected')
  )
ORDER BY
  "t0"."at" ASC;

-- saved_by_provider
SELECT
  "t5"."provider" AS "provider",
  "t5"."spared" AS "spared",
  "t7"."median_failed_ms" AS "median_failed_ms",
  "t5"."spared" * "t7"."median_failed_ms" AS "saved_ms"
FROM (
  SELECT
    "t0"."from_provider" AS "provider",
    COUNT(*) AS "spared"
  FROM "fallbacks" AS "t0"
  WHERE
    "t0"."at" >= CAST($start AS TIMESTAMP)
    AND "t0"."at" < CAST($end AS TIMESTAMP)
    AND "t0"."reason" = 'circuit_open'
  GROUP BY
    "t0"."from_provider"
) AS "t5"
LEFT OUTER JOIN (
  SELECT
    "t1"."provider" AS "provider",
    QUANTILE_CONT("t1"."generation_time_ms", 0.5) AS "median_failed_ms"
  FROM "attempts" AS "t1"
  WHERE
    "t1"."at" >= CAST($start AS TIMESTAMP)
    AND "t1"."at" < CAST($end AS TIMESTAMP)
    AND "t1"."status" = 'failed'
  GROUP BY
    "t1"."provider"
) AS "t7"
  ON "t5"."provider" = "t7"."provider"
ORDER BY
  "t5"."provider" ASC;

-- saved_by_provider structured
SELECT
  "t5"."provider" AS "provider",
  "t5"."spared" AS "spared",
  "t7"."median_failed_ms" AS "median_failed_ms",
  "t5"."spared" * "t7"."median_failed_ms" AS "saved_ms"
FROM (
  SELECT
    "t0"."from_provider" AS "provider",
    COUNT(*) AS "spared"
  FROM "fallbacks" AS "t0"
  WHERE
    "t0"."at" >= CAST($start AS TIMESTAMP)
    AND "t0"."at" < CAST($end AS TIMESTAMP)
    AND "t0"."reason" = 'circuit_open'
  GROUP BY
    "t0"."from_provider"
) AS "t5"
LEFT OUTER JOIN (
  SELECT
    "t1"."provider" AS "provider",
    QUANTILE_CONT("t1"."generation_time_ms", 0.5) AS "median_failed_ms"
  FROM "attempts" AS "t1"
  WHERE
    "t1"."at" >= CAST($start AS TIMESTAMP)
    AND "t1"."at" < CAST($end AS TIMESTAMP)
    AND "t1"."status" = 'failed'
  GROUP BY
    "t1"."provider"
) AS "t7"
  ON "t5"."provider" = "t7"."provider"
ORDER BY
  "t5"."provider" ASC;

-- wasted_by_provider
SELECT
  "t2"."provider" AS "provider",
  "t2"."wasted_ms" AS "wasted_ms",
  "t2"."wasted_tokens" AS "wasted_tokens"
FROM (
  SELECT
    "t0"."provider" AS "provider",
    COALESCE(SUM("t0"."generation_time_ms"), 0.0) AS "wasted_ms",
    SUM(COALESCE("t0"."prompt_tokens", 0) + COALESCE("t0"."completion_tokens", 0)) FILTER(WHERE
      (
        NOT "t0"."prompt_tokens" IS NULL
      )
      OR (
        NOT "t0"."completion_tokens" IS NULL
      )) AS "wasted_tokens"
  FROM "attempts" AS "t0"
  WHERE
    "t0"."at" >= CAST($start AS TIMESTAMP)
    AND "t0"."at" < CAST($end AS TIMESTAMP)
    AND "t0"."status" = 'failed'
    AND (
      (
        "t0"."circuit" IS NULL
      ) OR (
        "t0"."circuit" <> 'OPEN'
      )
    )
  GROUP BY
    "t0"."provider"
) AS "t2"
ORDER BY
  "t2"."provider" ASC;

-- wasted_by_provider structured
SELECT
  "t2"."provider" AS "provider",
  "t2"."wasted_ms" AS "wasted_ms",
  "t2"."wasted_tokens" AS "wasted_tokens"
FROM (
  SELECT
    "t0"."provider" AS "provider",
    COALESCE(SUM("t0"."generation_time_ms"), 0.0) AS "wasted_ms",
    SUM(COALESCE("t0"."prompt_tokens", 0) + COALESCE("t0"."completion_tokens", 0)) FILTER(WHERE
      (
        NOT "t0"."prompt_tokens" IS NULL
      )
      OR (
        NOT "t0"."completion_tokens" IS NULL
      )) AS "wasted_tokens"
  FROM "attempts" AS "t0"
  WHERE
    "t0"."at" >= CAST($start AS TIMESTAMP)
    AND "t0"."at" < CAST($end AS TIMESTAMP)
    AND "t0"."status" = 'failed'
    AND (
      (
        "t0"."circuit" IS NULL
      ) OR (
        "t0"."circuit" <> 'OPEN'
      )
    )
  GROUP BY
    "t0"."provider"
) AS "t2"
ORDER BY
  "t2"."provider" ASC;
