"""The main job on show: a bundled API that moves and breaks, and the settings that mirror it."""
