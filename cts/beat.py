"""The whole periodic schedule as one table: name, task, seconds between, queue."""

SCHEDULE: dict[str, dict[str, object]] = {
    name: {"task": task, "schedule": every_s, "options": {"queue": queue, "expires": max(every_s, 5.0)}}
    for name, task, every_s, queue in [
        ("runs_ensure", "apps.engine.tasks.runs_ensure", 5.0, "default"),
        ("guards_watch", "apps.monitoring.tasks.guards_watch", 5.0, "sync"),
        ("beat_heartbeat", "apps.monitoring.tasks.beat_heartbeat", 5.0, "default"),
        ("health_watch", "apps.monitoring.tasks.health_watch", 5.0, "default"),
        ("connections_sync", "apps.positions.tasks.connections_sync", 30.0, "sync"),
        ("equity_snapshots", "apps.portfolios.tasks.equity_snapshots", 30.0, "default"),
        ("instruments_sync", "apps.exchanges.tasks.instruments_sync_all", 86_400.0, "sync"),
    ]
}
