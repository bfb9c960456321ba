-- The requests of a stretch of time that were answered at once, far from any trouble: a replay that would be too long
-- counts them as they were. Parameters: near and far (what is looked at), threshold (failures in a row that count as
-- trouble), before_s and after_s (around trouble all is played), limit_ms (longer answers are played), provider (only its
-- answers; NULL for anybody's). Four on either side of a request that is played are played too: its draws look at them.
WITH calls AS (
    -- The difference stays the same while calls end alike: running counts would be ten times as slow.
    SELECT provider, "at", status,
        row_number() OVER (PARTITION BY provider ORDER BY "at", "offset")
            - row_number() OVER (PARTITION BY provider, status ORDER BY "at", "offset") AS run
    FROM attempts
    WHERE "at" >= $near AND "at" < $far AND status <> 'cancelled'
),
runs AS (
    SELECT provider, run FROM calls WHERE status = 'failed' GROUP BY ALL HAVING count(*) >= $threshold
),
trouble AS (
    SELECT "at" FROM calls SEMI JOIN runs USING (provider, run) WHERE status = 'failed'
    UNION ALL
    SELECT "at" FROM requests
    WHERE "at" >= $near AND "at" < $far AND (fallbacks > 0 OR status IN ('exhausted', 'deadline', 'error'))
    UNION ALL
    SELECT "at" FROM others
    WHERE "at" >= $near AND "at" < $far
        AND event IN ('BREAKER_TRANSITION', 'PROVIDERS_EXHAUSTED', 'CONFIG_CHANGED', 'PROVIDERS_INITIALIZED', 'SERVICE_STARTED')
),
apart AS (
    SELECT "at", coalesce("at" - lag("at") OVER (ORDER BY "at") > to_seconds($before_s + $after_s), TRUE)::INTEGER AS first
    FROM trouble
),
stretches AS (
    SELECT min("at") - to_seconds($before_s) AS start, max("at") + to_seconds($after_s) AS stop
    FROM (SELECT "at", sum(first) OVER (ORDER BY "at" ROWS UNBOUNDED PRECEDING) AS number FROM apart)
    GROUP BY number
),
far_from AS (
    SELECT request.source, request.request_id, request."at", request.total_ms,
        status = 'success' AND attempts = 1 AND fallbacks = 0 AND total_ms < $limit_ms
            AND ($provider IS NULL OR provider = $provider) AS good
    FROM requests AS request ASOF LEFT JOIN stretches ON request."at" >= stretches.start
    WHERE request."at" >= $near AND request."at" < $far AND NOT request.plain
        AND (stretches.stop IS NULL OR request."at" > stretches.stop)
),
numbered AS (
    SELECT *, row_number() OVER (ORDER BY "at", request_id) AS place FROM far_from
),
beside AS (
    SELECT DISTINCT unnest(range(place - 4, place + 5)) AS place FROM numbered WHERE NOT good
)
SELECT source, request_id, "at", total_ms FROM numbered ANTI JOIN beside USING (place) WHERE good
