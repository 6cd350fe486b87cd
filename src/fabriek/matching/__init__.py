"""What fits: from an application, a project or a person to data, models, training, people and money, each with why."""
