"""Configs as pairs, to be compared."""


def flat(config, prefix: str = '') -> dict:
    """Every value by its dotted key."""
    if not isinstance(config, dict):
        return {prefix: config}
    return {k: v for key in config for k, v in flat(config[key], f'{prefix}.{key}').items()}
