"""The twin: a simulated rig that shows its cameras what a real one would see. The embedded default, and the strongest
test.

``faults``      what can be made to go wrong while it runs
``motion``      ramps, play, swinging: true angles as pure functions of time
``axis``        turntable and tilt: what the driver believes, and where the axis truly stands
``light``       lights
``textures``    noise, the stone's colours, the printed plate with its markers
``scene``       the stone's shape, how it lies on the plate
``lens``        where the camera stands, rays through its pixels
``trace``       rays against the stone
``render``      one view in linear light
``defocus``     depth of field
``sensor``      linear light to noisy codes, I420
``photograph``  a whole picture: views averaged, put out of focus, developed
``metering``    automatic exposure and focus
``world``       what all cameras of a twin see
``camera``      the camera
``twin``        builds all of it

Imported only when a configuration names the driver ``sim``: it needs numpy, and a daemon on a real rig never loads it.
All time comes from the injected clock; nothing is random but by seeds, so that the same run gives the same pictures.
"""
