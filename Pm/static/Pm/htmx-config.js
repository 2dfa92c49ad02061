// htmx would write a style element into the page, and evaluate attributes: the Content-Security-Policy refuses both.
htmx.config.includeIndicatorStyles = false;
htmx.config.allowEval = false;
