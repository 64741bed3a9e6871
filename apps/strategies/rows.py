"""The one shape of studies, lines and rule sets, for API, pages and websocket."""

from typing import Any

from apps.strategies.models import LevelChange, Line, LineResult, RuleSet, Study
from cts.db import iso


def study_row(study: Study) -> dict[str, Any]:
    return {
        "id": study.pk,
        "version": study.version,
        "exchange": study.exchange,
        "environment": study.environment,
        "market": study.market,
        "symbols": study.symbols,
        "timeframe_s": study.timeframe_s,
        "position_cost_ratio": study.position_cost_ratio,
        "fee_ratio": study.fee_ratio,
        "slippage_ratio": study.slippage_ratio,
        "position_timeout_s": study.position_timeout_s,
        "lines_per_symbol": study.lines_per_symbol,
        "searched_at": iso(study.searched_at),
        "warmed_until": iso(study.warmed_until),
        "progress": study.progress,
    }


def line_row(line: Line) -> dict[str, Any]:
    """`configuration` must be selected with the line."""
    chosen = line.configuration
    return {
        "id": line.pk,
        "version": line.version,
        "study": line.study_id,
        "symbol": line.symbol,
        "side": line.side,
        "indication": chosen.indication,
        "parameters": chosen.parameters,
        "take_profit_steps": chosen.take_profit_steps,
        "stop_loss_ratio": chosen.stop_loss_ratio,
        "trail_arm_pct": chosen.trail_arm_pct,
        "trail_give_back_pct": chosen.trail_give_back_pct,
        "base_state": line.base_state,
        "is_watched": line.is_watched,
        "statistics": line.statistics,
        "open_position": line.open_position,
    }


def result_row(result: LineResult) -> dict[str, Any]:
    return {
        "id": result.pk,
        "line": result.line_id,
        "opened_ms": result.opened_ms,
        "closed_ms": result.closed_ms,
        "entry_price": result.entry_price,
        "exit_price": result.exit_price,
        "gain_ratio": result.gain_ratio,
        "reason": result.reason,
    }


def level_change_row(change: LevelChange) -> dict[str, Any]:
    return {
        "id": change.pk,
        "line": change.line_id,
        "rule_set": change.rule_set_id,
        "before": change.before,
        "after": change.after,
        "numbers": change.numbers,
        "created_at": iso(change.created_at),
    }


def rule_set_row(rule_set: RuleSet) -> dict[str, Any]:
    """`rules` should be prefetched."""
    return {
        "id": rule_set.pk,
        "version": rule_set.version,
        "name": rule_set.name,
        "real_lines_per_side": rule_set.real_lines_per_side,
        "rules": [
            {
                "level": rule.level,
                "metric": rule.metric,
                "window": rule.window,
                "operator": rule.operator,
                "threshold": rule.threshold,
                "min_count": rule.min_count,
            }
            for rule in rule_set.rules.all()
        ],
    }
