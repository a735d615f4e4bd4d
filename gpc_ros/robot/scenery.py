"""Surroundings of the robot in every scene: a checkered floor, sky, lights and a camera."""

from __future__ import annotations

import mujoco


def add_scenery(spec: mujoco.MjSpec) -> None:
    """Add the floor (geom ``floor``; checks of 0.5 m), two lights and the camera ``track``.

    The camera and the main light follow the base without turning with it.
    """
    spec.add_texture(
        name="sky",
        type=mujoco.mjtTexture.mjTEXTURE_SKYBOX,
        builtin=mujoco.mjtBuiltin.mjBUILTIN_GRADIENT,
        rgb1=[0.80, 0.83, 0.86],
        rgb2=[0.55, 0.64, 0.75],
        width=256,
        height=1536,
    )
    texture = spec.add_texture(
        name="floor",
        type=mujoco.mjtTexture.mjTEXTURE_2D,
        builtin=mujoco.mjtBuiltin.mjBUILTIN_CHECKER,
        mark=mujoco.mjtMark.mjMARK_EDGE,
        rgb1=[0.66, 0.67, 0.68],
        rgb2=[0.61, 0.62, 0.63],
        markrgb=[0.55, 0.56, 0.57],
        width=512,
        height=512,
    )
    material = spec.add_material(name="floor", texuniform=True, texrepeat=[2, 2])
    material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = texture.name
    world = spec.worldbody
    world.add_geom(
        name="floor",
        type=mujoco.mjtGeom.mjGEOM_PLANE,
        size=[0, 0, 0.05],
        material="floor",
        condim=3,
    )
    base = spec.body("base")
    # The light follows the robot, so that the shadow stays sharp everywhere.
    base.add_light(
        name="sun",
        mode=mujoco.mjtCamLight.mjCAMLIGHT_TRACK,
        type=mujoco.mjtLightType.mjLIGHT_SPOT,
        pos=[1.0, -1.3, 5.0],
        dir=[-1.0, 1.3, -5.0],
        cutoff=75,
        exponent=0,
        diffuse=[0.6, 0.6, 0.6],
        specular=[0.3, 0.3, 0.3],
        castshadow=True,
    )
    world.add_light(
        name="fill",
        type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL,
        pos=[-1.5, 2.0, 3.0],
        dir=[0.5, -0.5, -0.6],
        diffuse=[0.25, 0.26, 0.28],
        specular=[0.0, 0.0, 0.0],
        castshadow=False,
    )
    base.add_camera(
        name="track",
        mode=mujoco.mjtCamLight.mjCAMLIGHT_TRACK,
        pos=[-1.1, -1.3, 0.75],
        xyaxes=[0.763, -0.646, 0.0, 0.262, 0.309, 0.914],
        fovy=45,
    )
    spec.stat.extent = 2.5
    spec.visual.headlight.ambient = [0.35, 0.35, 0.36]
    spec.visual.headlight.diffuse = [0.25, 0.25, 0.25]
    spec.visual.headlight.specular = [0.05, 0.05, 0.05]
    spec.visual.rgba.haze = [0.80, 0.83, 0.86, 1.0]
    # The shadow map is narrow: a wide one causes speckles on the floor.
    spec.visual.map.shadowscale = 0.3
    spec.visual.quality.shadowsize = 2048
    spec.visual.map.znear = 0.01
    spec.visual.global_.offwidth = 1920
    spec.visual.global_.offheight = 1080
