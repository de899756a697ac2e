"""Moving a model from one framework to the other, a route at a time: does it convert, compute and train the same?"""
